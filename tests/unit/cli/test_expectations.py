"""What `harness run` prints about expectations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from harness.cli.expectations import report
from harness.domain.cell import Cell
from harness.domain.expectation import Bound, Expectation, Judged, Verdict
from harness.domain.metric import Direction, Estimate
from harness.domain.result import Result, Status
from harness.domain.run import Commit, Environment, Host, Run
from harness.plan.expectations import Judgement


@pytest.fixture
def missed(make_cell: Callable[..., Cell], host: Host) -> Judged:
    cell = make_cell()
    run = Run(Commit("a" * 40), host, Environment({}), datetime(2026, 1, 5, tzinfo=UTC), 0)
    estimate = Estimate(0.0162, 0.016, 0.0164, "s", Direction.LOWER, 6, 60)
    result = Result(run, cell, Status.OK, metrics={"tpot": estimate})
    high = Bound(0.015, "15ms")
    expectation = Expectation("s.yaml:7:5", frozenset([cell.id]), metric="tpot", high=high)
    why = "the whole interval is above the bound"
    return Judged(expectation, cell, host, Verdict.MISSED, why, result)


def test_a_failure_has_its_line_and_the_rest_are_counted(missed: Judged) -> None:
    others = [replace(missed, verdict=one) for one in (Verdict.MET, Verdict.XFAIL, Verdict.MET)]
    line, counts = report(Judgement((missed, *others), elsewhere=2))
    assert line == (
        f"missed: {missed.cell}: tpot 16.2 ms [16.0, 16.4]; expected tpot at most 15ms; "
        "the whole interval is above the bound (s.yaml:7:5)"
    )
    assert counts == "expectations: 1 missed, 1 xfail, 2 met; 2 for other hosts"


def test_quiet_prints_failures_alone(missed: Judged) -> None:
    found = Judgement((missed, replace(missed, verdict=Verdict.MET)))
    assert len([*report(found, quiet=True)]) == 1
    assert [*report(Judgement((replace(missed, verdict=Verdict.MET),)), quiet=True)] == []


def test_an_unexpected_pass_is_as_loud(missed: Judged) -> None:
    found = Judgement((replace(missed, verdict=Verdict.XPASS, reason="expected to fail: slow"),))
    assert next(report(found)).startswith("xpass: ")
    assert found.failures


def test_where_nothing_is_expected_nothing_is_printed() -> None:
    assert [*report(Judgement())] == []


def test_a_missing_result_has_no_figure(missed: Judged) -> None:
    gone = replace(missed, verdict=Verdict.MISSING, reason="no result", result=None)
    assert next(report(Judgement((gone,)))).endswith(
        "expected tpot at most 15ms; no result (s.yaml:7:5)"
    )
