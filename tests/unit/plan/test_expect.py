"""How long a cell will take, composed of made-up numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.analyse.stats import ENOUGH
from harness.domain.result import Took
from harness.domain.run import Host
from harness.plan import expect
from harness.plan.expect import Estimator, Expected, Pace, Span, fewest_rounds, most_rounds
from harness.plan.feasible import Feasibility
from harness.spec.catalog import Catalog
from harness.spec.settings import Limits, Measure
from harness.spec.spec import Spec

Read = Callable[..., Spec]
Expect = Callable[..., Expected]

# One parameter costs two microseconds a token; building all of them costs P microseconds.
PACE = Pace(
    core_flops=5e5,  # on two cores 1e6
    gpu_flops=1e9,
    bandwidth=1e12,
    gpu_bandwidth=1e12,
    build_rate=1e6,
    compression_rate=1e5,
    launch_seconds=2.0,
    rank_seconds=3.0,
    import_seconds=10.0,
    samples=1.0,
)


@pytest.fixture
def expected(read: Read, catalog: Catalog, host: Host, monkeypatch: pytest.MonkeyPatch) -> Expect:
    """Of the only cell of a text, on machines of one known pace, with a million parameters."""
    monkeypatch.setattr(expect, "QUICK", PACE)
    monkeypatch.setattr(expect, "MODEST", PACE)
    monkeypatch.setattr(Feasibility, "parameters", lambda *_: 1_000_000)

    def made(text: str, took: Took | None = None, load: float = 0.0, **measure: Any) -> Expected:
        (cell,) = read(text).cells
        durations = {} if took is None else {cell.id: took}
        estimator = Estimator(Feasibility(host, catalog), durations, load)
        effort = Measure.model_validate({"quality": False, **measure})
        return estimator.expected(
            cell, effort, Limits.model_validate({"timeout": "300h"}), prepares=True
        )

    return made


PREFILL = "matrix: {model: small, scenario: prefill%s}\nworkload: {prompt: 8}\n"
ITERATION = 2.0 * 8  # seconds: two FLOPs for each of a million parameters and eight tokens


def test_a_round_is_launch_construction_prompt_samples_and_a_look_inside(
    expected: Expect,
) -> None:
    """The prompt is read as often as the longest sequence; one sample is the last one's excess."""
    told = expected(PREFILL % "", samples=5)
    seconds = 2.0 + 1.0 + ITERATION + 6 * ITERATION + 2 * ITERATION
    assert [told.round.low, told.round.high] == pytest.approx([seconds, seconds])
    assert told.once == Span(0.0, 0.0)


def test_a_backend_that_compiles_takes_longer_and_most_in_the_first_round(
    expected: Expect, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each round opens the model; the first finds nothing in the compiler's cache."""
    plain = expected(PREFILL % "")
    monkeypatch.setattr(catalog.backend["eager"], "open_seconds", 5.0)
    told = expected(PREFILL % "")
    assert told.round.low == pytest.approx(plain.round.low + 5.0)
    assert told.once == Span(9 * 5.0, 9 * 5.0)


def test_samples_go_on_until_the_rounds_time_is_over(expected: Expect) -> None:
    told = expected(PREFILL % "", samples=5, round_time="1000s")
    assert told.round.low == pytest.approx(2.0 + 1.0 + ITERATION + 1000 + 2 * ITERATION)


def test_a_compressed_model_is_prepared_once(expected: Expect) -> None:
    """Built, compressed and written; to judge it, it is read, and the dense one built again."""
    text = PREFILL % ", compression: int8"
    assert expected(text).once.low == pytest.approx(2.0 + 1.0 + 10.0)
    assert expected(text, quality=True).once.low == pytest.approx(2.0 + 3.0 + 10.0)


def test_a_split_cell_joins_its_ranks_and_proves_its_parity(expected: Expect) -> None:
    """A proof builds the whole model beside the split one, and reads the prompt by both twice."""
    alone = expected(PREFILL % "")
    split = expected(PREFILL % ", parallelism: {tensor: 2}", quality=True)
    assert split.round.low == pytest.approx(alone.round.low + 2 * 3.0)
    assert split.once.low == pytest.approx(2.0 + 2 * 3.0 + 2 * 1.0 + 4 * ITERATION)


def test_other_work_on_the_machine_makes_the_most_longer(expected: Expect) -> None:
    """As many as there are cores want their half of the time; the least stays."""
    calm, busy = expected(PREFILL % ""), expected(PREFILL % "", load=2.0)
    assert busy.round.low == calm.round.low
    assert busy.round.high == pytest.approx(2 * calm.round.high)


def test_no_round_takes_longer_than_its_limit(read: Read, catalog: Catalog, host: Host) -> None:
    (cell,) = read(PREFILL % "" + "measure: {round_time: 1h}").cells
    estimator = Estimator(Feasibility(host, catalog), {})
    effort = Measure.model_validate({"round_time": "1h"})
    told = estimator.expected(
        cell, effort, Limits.model_validate({"timeout": "60s"}), prepares=True
    )
    assert told.round == Span(60.0, 60.0)


@pytest.mark.parametrize(
    ("effort", "seconds", "few", "many"),
    [
        ({}, 1.0, 6, 60),  # until the time box ends
        ({"max_time": "10m"}, 1.0, 6, 100),  # or the most rounds are done
        ({}, 20.0, 3, 3),  # before enough could tell
        ({"rounds": 2}, 100.0, 2, 2),
        ({"rounds": 2, "max_rounds": 2}, 1.0, 2, 2),
        ({"rounds": 12}, 1.0, 12, 60),
    ],
)
def test_rounds_are_those_that_the_stop_rule_allows(
    effort: dict[str, Any], seconds: float, few: int, many: int
) -> None:
    """The fewest where they agree, the most where they never do."""
    measure = Measure.model_validate({"rounds": 3, **effort})
    assert (fewest_rounds(measure, seconds), most_rounds(measure, seconds)) == (few, many)


def test_earlier_rounds_tell_their_time_and_number(expected: Expect) -> None:
    """A cell that took thirty may take them again, and may be done after six."""
    told = expected(PREFILL % "", took=Took(seconds=1.0, rounds=30))
    assert told.rounds == (6, 30)
    assert told.round == Span(1 / 1.25, 1.25)
    assert expected(PREFILL % "", took=Took(1.0, rounds=30), max_rounds=8).rounds == (6, 8)


def test_a_cell_takes_what_its_missing_rounds_take_and_what_is_done_once() -> None:
    one = Expected(Span(1.0, 10.0), Span(2.0, 4.0), rounds=(6, 9))
    assert one.span() == Span(1 + 6 * 2, 10 + 9 * 4)
    assert one.span(done=4) == Span(1 + 2 * 2, 10 + 5 * 4)
    assert one.span(done=9) == Span(1 + 2, 10 + 4)  # the one that closes it


def test_training_takes_six_flops_a_parameter_and_token(expected: Expect) -> None:
    assert expect.training_time(1000, tokens=500, cores=2).low == pytest.approx(6 * 500_000 / 1e6)


def test_a_range_has_one_figure_for_those_who_want_one() -> None:
    assert Span(2.0, 8.0).middle == 4.0
    assert Span(1.0, 2.0) + Span(3.0, 5.0) == Span(4.0, 7.0)


def test_rounds_that_took_no_time_before_are_no_fault() -> None:
    """Those that were not tried, as the model could not be trained, are stored with no seconds."""
    measure = Measure(rounds=2, max_rounds=30)
    assert most_rounds(measure, 0.0) == 30
    assert fewest_rounds(measure, 0.0) == ENOUGH
