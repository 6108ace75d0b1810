"""Expectations judged by intervals, and bounds proposed from a history."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from harness.analyse.expectations import FEWEST, judged, prediction_range, proposal
from harness.domain.cell import Cell
from harness.domain.expectation import Bound, Expectation, Verdict
from harness.domain.metric import Direction, Estimate
from harness.domain.result import Result, Round, Status
from harness.domain.run import Commit, Environment, Host, Run

NOW = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def result(make_cell: Callable[..., Cell], host: Host) -> Callable[..., Result]:
    """A result whose `tpot` has these bounds; without bounds it has no `tpot`."""

    def made(
        low: float | None = None,
        high: float | None = None,
        status: Status = Status.OK,
        day: int = 0,
        torch: str = "2.13.0",
        value: float | None = None,
    ) -> Result:
        when = NOW + timedelta(days=day)
        run = Run(Commit(f"{day:040x}", date=when), host, Environment({"torch": torch}), when, 0)
        middle = value if value is not None else (low or 0.0)
        estimate = Estimate(middle, low, high, "s", Direction.LOWER, 6, 60)
        known = low is not None or value is not None
        return Result(run, make_cell(), status, metrics={"tpot": estimate} if known else {})

    return made


@pytest.fixture
def verdict(result: Callable[..., Result]) -> Callable[..., tuple[Verdict, str]]:
    """The verdict and the reason for one result, or for none."""

    def given(one: Result | None, **claim: object) -> tuple[Verdict, str]:
        example = one or result()
        expectation = Expectation("s.yaml:1:1", frozenset([example.cell.id]), **claim)  # type: ignore[arg-type]
        found = [] if one is None else [one]
        (answer,) = judged([expectation], [example.cell], found, [example.run.host])
        assert answer.result is one
        return answer.verdict, answer.reason

    return given


Given = Callable[..., tuple[Verdict, str]]
Made = Callable[..., Result]
TEN = Bound(10.0, "10s")
TWENTY = Bound(20.0, "20s")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (12, 18, Verdict.MET),
        (10, 20, Verdict.MET),
        (9, 12, Verdict.UNCLEAR),
        (18, 21, Verdict.UNCLEAR),
        (9, 21, Verdict.UNCLEAR),
        (20, 21, Verdict.UNCLEAR),
        (20.1, 21, Verdict.MISSED),
        (8, 9.9, Verdict.MISSED),
    ],
)
def test_the_whole_interval_decides(
    verdict: Given, result: Made, low: float, high: float, expected: Verdict
) -> None:
    """Not the point: a noisy value above the bound may be below it."""
    assert verdict(result(low, high), metric="tpot", low=TEN, high=TWENTY)[0] is expected


def test_one_bound_is_enough(verdict: Given, result: Made) -> None:
    assert verdict(result(1, 2), metric="tpot", high=TEN) == (Verdict.MET, "")
    assert verdict(result(1, 2), metric="tpot", low=TEN) == (
        Verdict.MISSED,
        "the whole interval is below the bound",
    )


def test_without_an_interval_nothing_can_be_told(verdict: Given, result: Made) -> None:
    assert verdict(result(value=99.0), metric="tpot", high=TEN) == (
        Verdict.UNCLEAR,
        "cannot tell: 6 rounds give no interval",
    )


@pytest.mark.parametrize(
    ("status", "required", "expected"),
    [
        (Status.FAILED, False, Verdict.MISSED),
        (Status.CRASHED, True, Verdict.MISSED),
        (Status.UNSUPPORTED, False, Verdict.UNCLEAR),
        (Status.UNSUPPORTED, True, Verdict.MISSING),
        (Status.SKIPPED, True, Verdict.MISSING),
        (Status.MEASURING, False, Verdict.UNCLEAR),
        (Status.MEASURING, True, Verdict.MISSING),
    ],
)
def test_a_cell_without_figures_misses_a_bound_if_it_failed(
    verdict: Given, result: Made, status: Status, required: bool, expected: Verdict
) -> None:
    """If it was not tried, it is missing where it is required."""
    found = verdict(result(status=status), metric="tpot", high=TEN, required=required)
    assert found[0] is expected
    assert found[1]


def test_no_result_is_missing_only_if_required(verdict: Given) -> None:
    assert verdict(None, metric="tpot", high=TEN) == (Verdict.UNCLEAR, "no result")
    for claim in ({"metric": "tpot", "high": TEN}, {"statuses": (Status.OK,)}, {}):
        assert verdict(None, required=True, **claim) == (Verdict.MISSING, "no result")


def test_a_metric_that_was_not_measured_says_why(verdict: Given, result: Made) -> None:
    bare = result()
    noted = replace(bare, rounds=(Round(0, Status.OK, notes={"tpot": "no counter"}),))
    assert verdict(bare, metric="tpot", high=TEN) == (Verdict.UNCLEAR, "the result has no tpot")
    assert verdict(noted, metric="tpot", high=TEN, required=True) == (
        Verdict.MISSING,
        "no counter",
    )


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status.UNSUPPORTED, Verdict.MET),
        (Status.SKIPPED, Verdict.MET),
        (Status.OK, Verdict.MISSED),
        (Status.CRASHED, Verdict.MISSED),
        (Status.MEASURING, Verdict.UNCLEAR),
    ],
)
def test_a_status_is_one_of_those_expected(
    verdict: Given, result: Made, status: Status, expected: Verdict
) -> None:
    statuses = (Status.UNSUPPORTED, Status.SKIPPED)
    assert verdict(result(status=status), statuses=statuses)[0] is expected


def test_a_required_cell_is_met_by_any_measurement(verdict: Given, result: Made) -> None:
    assert verdict(result(), required=True) == (Verdict.MET, "")
    assert verdict(result(status=Status.FAILED), required=True)[0] is Verdict.MISSED


def test_a_known_failure_is_told_apart_from_a_new_one(verdict: Given, result: Made) -> None:
    """And if it no longer fails, that is as loud as a failure."""
    known = {"metric": "tpot", "high": TEN, "xfail": "slow kernel"}
    missed = verdict(result(11, 12), **known)
    assert missed[0] is Verdict.XFAIL
    assert missed[1].endswith("; expected to fail: slow kernel")
    assert verdict(result(8, 9), **known) == (Verdict.XPASS, "expected to fail: slow kernel")
    assert verdict(result(9, 11), **known)[0] is Verdict.UNCLEAR
    assert verdict(None, **known, required=True)[0] is Verdict.XFAIL


def test_every_cell_is_judged_on_every_host_that_is_named(
    result: Made, make_cell: Callable[..., Cell], host: Host
) -> None:
    """The first result of a cell and host counts; other cells and hosts do not."""
    other = replace(host, cpu="Other 1")
    cells = [make_cell(), make_cell(workload=(("batch", 2), ("prompt", 8)))]
    ids = frozenset(one.id for one in cells[:1])
    everywhere = Expectation("a", ids, metric="tpot", high=TEN)
    there = replace(everywhere, where="b", host="other")
    results = [result(1, 2), result(11, 12)]
    found = judged([everywhere, there], cells, results, [host, other])
    assert [(one.expectation.where, one.host.cpu, one.verdict) for one in found] == [
        ("a", host.cpu, Verdict.MET),
        ("a", "Other 1", Verdict.UNCLEAR),
        ("b", "Other 1", Verdict.UNCLEAR),
    ]


def history(result: Made, values: list[float], **changes: object) -> list[Result]:
    """A result for each day, with an interval of 1 %."""
    return [
        result(0.99 * value, 1.01 * value, day=day, value=value, **changes)
        for day, value in enumerate(values)
    ]


def test_a_range_includes_the_history_and_the_newest_interval(result: Made) -> None:
    values = [1.0, 1.01, 0.99, 1.02, 0.98, 1.0]
    found = proposal(history(result, values), "tpot")
    assert (found.runs, found.reason, found.direction) == (6, "", Direction.LOWER)
    assert found.low < 0.98
    assert found.high > 1.02
    assert found.low == pytest.approx(1 / found.high, rel=0.01)  # even on logarithms


def test_the_order_of_the_results_does_not_matter(result: Made) -> None:
    results = history(result, [1.0, 1.01, 0.99, 1.02, 0.98, 1.3])
    assert proposal(results, "tpot") == proposal(results[::-1], "tpot")


def test_a_spike_does_not_widen_the_range_but_the_newest_value_does(result: Made) -> None:
    """The bounds must be met as they are proposed."""
    calm = proposal(history(result, [1.0, 1.01, 0.99, 1.0, 1.01, 0.99, 1.0, 1.0]), "tpot")
    spike = proposal(history(result, [1.0, 1.01, 0.99, 5.0, 1.01, 0.99, 1.0, 1.0]), "tpot")
    newest = proposal(history(result, [1.0, 1.01, 0.99, 1.0, 1.01, 0.99, 1.0, 5.0]), "tpot")
    assert spike.high < 1.5 * calm.high
    assert newest.high == pytest.approx(5.05)


def test_only_the_newest_level_counts(result: Made) -> None:
    rng = np.random.default_rng(0)
    noise = np.exp(rng.normal(0, 0.005, 24))
    values = [float(one) for one in noise * np.repeat([1.0, 2.0], [16, 8])]
    found = proposal(history(result, values), "tpot")
    assert found.runs == 8
    assert found.low > 1.8
    few = proposal(history(result, values[:20]), "tpot")
    assert few.reason == "4 results since the level changed: a bound needs 5"


def test_only_the_newest_environment_counts(result: Made) -> None:
    old = history(result, [1.0] * 5, torch="2.12.0")
    new = [result(0.9, 1.1, day=9, value=1.0)]
    found = proposal([*new, *old], "tpot")
    assert found.reason == "1 result in the newest environment: a bound needs 5"
    assert math.isnan(found.low)


def test_too_few_results_make_no_bound(result: Made) -> None:
    assert proposal([], "tpot").reason == "no result"
    assert proposal([result()], "tpot").reason == "no result"
    few = history(result, [1.0] * (FEWEST - 1))
    failed = result(1, 2, status=Status.FAILED, day=30)
    assert proposal([*few, failed], "tpot").reason == "4 results: a bound needs 5"
    assert not proposal([*few, result(1, 2, day=30)], "tpot").reason


def test_a_newest_result_without_an_interval_makes_no_bound(result: Made) -> None:
    """It could not be judged by one."""
    results = [*history(result, [1.0] * 5), result(value=1.0, day=9)]
    assert proposal(results, "tpot").reason == "the newest result has no interval"


def test_a_constant_has_no_width() -> None:
    assert prediction_range([124_439_808.0] * 6) == (124_439_808.0, 124_439_808.0)


def test_values_without_logarithms_have_a_range_too() -> None:
    low, high = prediction_range([-0.1, 0.0, 0.1, 0.05, -0.05])
    assert low == pytest.approx(-high)
    assert high > 0.1


@pytest.mark.parametrize(("count", "least"), [(5, 0.93), (8, 0.95), (20, 0.96)])
def test_the_next_value_is_nearly_always_within_the_range(count: int, least: float) -> None:
    """Of normal noise on logarithms; and the range is not so wide that it would tell nothing."""
    rng = np.random.default_rng(count)
    draws = np.exp(rng.normal(0, 0.02, (2000, count + 1)))
    ranges = [prediction_range([float(one) for one in row[:-1]]) for row in draws]
    inside = [low <= row[-1] <= high for row, (low, high) in zip(draws, ranges, strict=True)]
    assert least < float(np.mean(inside)) < 0.995
    assert float(np.median([high for _, high in ranges])) < math.exp(6 * 0.02)
