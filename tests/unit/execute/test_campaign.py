"""The order of rounds, and when a cell is done."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.domain.cell import Cell, Choice
from harness.domain.result import Round, Sample, Status, StopRule
from harness.execute.campaign import CellDone, RoundDone, campaign, conclusion
from harness.spec.plan import Action, Planned
from harness.spec.schema import Limits, Measure


def planned(prompt: int, **measure: object) -> Planned:
    """A cell to measure, told apart from others by its prompt."""
    cell = Cell(
        model=Choice("decoder", (("d_model", 64), ("heads", 2), ("layers", 2))),
        hardware=Choice("local"),
        scenario=Choice("prefill"),
        parallelism=(),
        compression=(),
        operator=Choice("sdpa"),
        precision=Choice("fp32"),
        backend=Choice("eager"),
        workload=(("batch", 1), ("prompt", prompt)),
    )
    effort = Measure.model_validate({"rounds": 3, "max_rounds": 3, **measure})
    return Planned(
        cell=cell,
        action=Action.MEASURE,
        reason="not measured yet",
        measure=effort,
        limits=Limits(),
        specs=("small",),
    )


def fine(index: int, latency: float = 1.0, seconds: float = 1.0) -> Round:
    """A round that ended well."""
    samples = (Sample("latency", 9.0, warmup=True), Sample("latency", latency))
    facts = {"tokens": 16.0}
    return Round(index, Status.OK, samples=samples, facts=facts, seconds=seconds)


def events(
    items: list[Planned], measure: Callable[[Planned, int], Round], **options: Any
) -> list[Any]:
    """The whole campaign."""
    return list(campaign(items, options.get("earlier", {}), measure, options.get("seed", 0)))


def test_every_pass_gives_each_cell_one_round() -> None:
    """So drift hits all cells alike: no cell's rounds are done in a row."""
    items = [planned(prompt) for prompt in range(1, 6)]
    order = [
        event.item.cell.id
        for event in events(items, lambda _, index: fine(index))
        if isinstance(event, RoundDone)
    ]
    passes = [set(order[i : i + 5]) for i in (0, 5, 10)]
    assert passes == [{item.cell.id for item in items}] * 3


def test_the_order_is_shuffled_by_the_seed() -> None:
    """The same seed gives the same order, another one another."""
    items = [planned(prompt) for prompt in range(1, 9)]

    def order(seed: int) -> list[str]:
        return [e.item.cell.id for e in events(items, lambda _, i: fine(i), seed=seed)]

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_a_failed_round_ends_its_cell_and_no_other() -> None:
    """The same would happen again; the others go on."""
    bad, good = planned(1), planned(2)

    def measure(item: Planned, index: int) -> Round:
        if item is bad:
            return Round(index, Status.CRASHED, "died by SIGSEGV", "tail")
        return fine(index)

    ends = {e.item.cell.id: e for e in events([bad, good], measure) if isinstance(e, CellDone)}
    assert ends[bad.cell.id] == CellDone(bad, Status.CRASHED, "died by SIGSEGV", "tail")
    assert ends[good.cell.id].status is Status.OK


def test_rounds_of_a_cut_short_run_count() -> None:
    """Only the missing ones are measured, under the next numbers."""
    item = planned(1)
    asked: list[int] = []

    def measure(_: Planned, index: int) -> Round:
        asked.append(index)
        return fine(index)

    events([item], measure, earlier={item.cell.id: [fine(0), fine(1)]})
    assert asked == [2]


def test_a_cell_whose_last_round_was_stored_is_only_closed() -> None:
    """Killed between the round and the result: nothing is measured again."""
    item = planned(1)

    def measure(_: Planned, index: int) -> Round:
        raise AssertionError(f"round {index} was measured again")

    earlier = {item.cell.id: [fine(0), fine(1), fine(2)]}
    (end,) = events([item], measure, earlier=earlier)
    assert end.status is Status.OK


@pytest.mark.parametrize(
    ("effort", "latencies", "rule"),
    [
        ({}, [1.0, 1.0], None),  # the asked rounds are always done
        ({}, [1.0, 1.0, 1.0], StopRule.TARGET),
        ({}, [1.0, 2.0, 3.0], StopRule.ROUNDS),
        ({"max_rounds": 9}, [1.0, 2.0, 3.0], None),
        ({"max_rounds": 9, "max_time": "3s"}, [1.0, 2.0, 3.0], StopRule.TIME_BOX),
        ({"max_rounds": 9}, [1.0, 2.0, 3.0, *[2.0] * 6], StopRule.ROUNDS),
    ],
)
def test_a_cell_ends_by_target_time_box_or_rounds(
    effort: dict[str, Any], latencies: list[float], rule: StopRule | None
) -> None:
    """And the result tells which of them it was."""
    item = planned(1, **{"target_ci": "2%", **effort})
    rounds = [fine(index, latency) for index, latency in enumerate(latencies)]
    end = conclusion(item, rounds)
    assert (end.stop_rule if end else None) == rule


def test_metrics_leave_warm_up_out() -> None:
    """The slow first sample of each round does not count."""
    item = planned(1)
    end = conclusion(item, [fine(index) for index in range(3)])
    assert end is not None
    assert end.metrics["latency"].value == 1.0
    assert end.metrics["tokens_per_second"].value == 16.0
    assert (end.metrics["latency"].rounds, end.metrics["latency"].samples) == (3, 3)


def test_a_metric_measured_in_one_round_has_no_interval() -> None:
    """The logits are compared once, as every round builds the same model."""
    item = planned(1)
    rounds = [fine(index) for index in range(3)]
    rounds[0] = replace(rounds[0], facts={**rounds[0].facts, "logit_error": 0.01})
    end = conclusion(item, rounds)
    assert end is not None
    error = end.metrics["logit_error"]
    assert (error.value, error.low, error.high, error.rounds) == (0.01, None, None, 1)
