"""The order of rounds, and when a cell is done."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import pytest

from harness.analyse.stats import summarise
from harness.dispatch.campaign import (
    Campaign,
    CellDone,
    Event,
    RoundDone,
    against_baseline,
    stop_rule,
)
from harness.dispatch.summary import valued
from harness.domain.cell import Cell, Choice
from harness.domain.result import Round, Sample, Status, StopRule
from harness.plan.plan import Action, Planned
from harness.spec.settings import Limits, Measure
from tests.in_turn import in_turn


def planned(prompt: int, **measure: object) -> Planned:
    """A cell to measure, identified by its prompt."""
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


START = datetime(2026, 1, 5, tzinfo=UTC)


def fine(index: int, latency: float = 1.0, seconds: float = 1.0, at: float = 0.0) -> Round:
    """A successful round that began `at` seconds after the start."""
    samples = (Sample("latency", 9.0, warmup=True), Sample("latency", latency))
    started = START + timedelta(seconds=at)
    facts = {"tokens": 16.0}
    return valued(
        Round(index, Status.OK, samples=samples, facts=facts, seconds=seconds, started=started)
    )


def events(
    items: list[Planned], measure: Callable[[Planned, int], Round], **options: Any
) -> list[Any]:
    """All events of the campaign."""
    state = Campaign(items, options.get("earlier", {}), options.get("seed", 0))
    return list(in_turn(state, measure))


def test_every_pass_gives_each_cell_one_round() -> None:
    """So drift affects all cells alike: no cell's rounds run in a row."""
    items = [planned(prompt) for prompt in range(1, 6)]
    order = [
        event.item.cell.id
        for event in events(items, lambda _, index: fine(index))
        if isinstance(event, RoundDone)
    ]
    passes = [set(order[i : i + 5]) for i in (0, 5, 10)]
    assert passes == [{item.cell.id for item in items}] * 3


def test_the_order_is_shuffled_by_the_seed() -> None:
    """The same seed gives the same order, and another seed another order."""
    items = [planned(prompt) for prompt in range(1, 9)]

    def order(seed: int) -> list[str]:
        return [e.item.cell.id for e in events(items, lambda _, i: fine(i), seed=seed)]

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_a_failed_round_ends_only_its_own_cell() -> None:
    """Another round would fail too. The other cells continue."""
    bad, good = planned(1), planned(2)

    def measure(item: Planned, index: int) -> Round:
        if item is bad:
            return Round(index, Status.CRASHED, "died by SIGSEGV", "tail")
        return fine(index)

    ends = {e.item.cell.id: e for e in events([bad, good], measure) if isinstance(e, CellDone)}
    assert ends[bad.cell.id] == CellDone(bad, Status.CRASHED, "died by SIGSEGV", "tail")
    assert ends[good.cell.id].status is Status.OK


def test_rounds_of_an_interrupted_run_count() -> None:
    """Only the missing rounds are measured, under the next numbers."""
    item = planned(1)
    measured: list[int] = []

    def measure(_: Planned, index: int) -> Round:
        measured.append(index)
        return fine(index)

    events([item], measure, earlier={item.cell.id: [fine(0), fine(1)]})
    assert measured == [2]


def test_a_cell_whose_last_round_was_stored_is_only_closed() -> None:
    """The run was killed between the round and the result. Nothing is measured again."""
    item = planned(1)

    def measure(_: Planned, index: int) -> Round:
        raise AssertionError(f"round {index} was measured again")

    earlier = {item.cell.id: [fine(0), fine(1), fine(2)]}
    (end,) = events([item], measure, earlier=earlier)
    assert end.status is Status.OK


@pytest.mark.parametrize(
    ("effort", "latencies", "rule"),
    [
        ({}, [1.0, 1.0], None),  # the requested rounds are always measured
        ({}, [1.0, 1.0, 1.0], StopRule.ROUNDS),
        ({"max_rounds": 9}, [1.0, 1.0, 1.0], None),  # three rounds may agree by luck
        ({"max_rounds": 9}, [1.0] * 6, StopRule.TARGET),
        ({"max_rounds": 9}, [1.0, 2.0, 3.0] * 2, None),
        ({"max_rounds": 9, "max_time": "3s"}, [1.0, 2.0, 3.0], StopRule.TIME_BOX),
        ({"max_rounds": 9}, [1.0, 2.0, 3.0] * 3, StopRule.ROUNDS),
    ],
)
def test_a_cell_ends_by_target_time_box_or_rounds(
    effort: dict[str, Any], latencies: list[float], rule: StopRule | None
) -> None:
    """The result records which of the three it was."""
    item = planned(1, **{"target_ci": "2%", **effort})
    rounds = [fine(index, latency) for index, latency in enumerate(latencies)]
    assert stop_rule(item, {item.key: rounds}) == rule


def closed(*rounds: Round) -> CellDone:
    """The end of a cell whose rounds have all been measured earlier."""
    (end,) = events([planned(1)], unexpected, earlier={planned(1).key: rounds})
    assert isinstance(end, CellDone)
    return end


def unexpected(_: Planned, index: int) -> Round:
    """Fails, because nothing should be measured."""
    raise AssertionError(f"round {index} was measured")


def test_metrics_leave_out_warm_up() -> None:
    """The slow first sample of each round does not count."""
    end = closed(*(fine(index) for index in range(3)))
    assert end.metrics["latency"].value == 1.0
    assert end.metrics["tokens_per_second"].value == 16.0
    assert (end.metrics["latency"].rounds, end.metrics["latency"].samples) == (3, 3)


def test_a_metric_measured_in_one_round_has_no_interval() -> None:
    """The logits are compared once, because every round builds the same model."""
    rounds = [fine(index) for index in range(3)]
    rounds[0] = valued(replace(rounds[0], facts={**rounds[0].facts, "logit_error": 0.01}))
    error = closed(*rounds).metrics["logit_error"]
    assert (error.value, error.low, error.high, error.rounds) == (0.01, None, None, 1)


class Machine:
    """A fake machine with its own time, which slows down by `drift` a second.

    A round takes a second. Cells with prompt 2 take `ratio` times as long as those with prompt 1.
    """

    def __init__(self, drift: float, ratio: float = 1.25, noise: float = 0.002) -> None:
        self.drift, self.ratio, self.noise = drift, ratio, noise
        self.now = 0.0
        self._random = random.Random(7)

    def measure(self, item: Planned, index: int) -> Round:
        self.now += 1.0
        pace = (1 + self.drift * self.now) * math.exp(self._random.gauss(0, self.noise))
        latency = 0.1 * pace * (self.ratio if item.cell.load["prompt"] == 2 else 1.0)
        return fine(index, latency, at=self.now)


def rounds_by_prompt(events: Sequence[Event]) -> dict[int, list[Round]]:
    """The rounds in a campaign's events, by their cell's prompt."""
    found: dict[int, list[Round]] = {}
    for event in events:
        if isinstance(event, RoundDone):
            found.setdefault(event.item.cell.load["prompt"], []).append(event.round)
    return found


def pair_of_cells(**measure: object) -> tuple[Planned, Planned]:
    """A baseline, and a cell compared with it."""
    base = planned(1, **measure)
    return replace(base, baseline=base.key), replace(planned(2, **measure), baseline=base.key)


def test_the_paired_speedup_is_right_on_a_machine_that_drifts() -> None:
    """The baseline began long before the cell, when the machine was faster.

    The machine slows down by 30% over the campaign. The ratio of rounds paired by time is within
    1% of the truth; the ratio of the medians is off by more than 10%.
    """
    machine = Machine(drift=0.005)
    base, cell = pair_of_cells(rounds=40, max_rounds=40)
    base = replace(base, measure=planned(1, rounds=40, max_rounds=80).measure)
    alone = [machine.measure(base, index) for index in range(40)]
    found = rounds_by_prompt(events([base, cell], machine.measure, earlier={base.key: alone}))
    theirs, ours = [*alone, *found[1]], found[2]
    ratio = against_baseline(cell, {base.key: theirs, cell.key: ours})
    assert ratio is not None
    assert ratio.paired
    assert ratio.estimate.value == pytest.approx(1 / 1.25, rel=0.01)
    assert ratio.estimate.low is not None
    assert ratio.estimate.high is not None
    assert ratio.estimate.low <= 1 / 1.25 <= ratio.estimate.high
    medians = [median(one.values["latency"] for one in rounds) for rounds in (theirs, ours)]
    assert abs(medians[0] / medians[1] * 1.25 - 1) > 0.1


def test_a_baseline_is_measured_as_long_as_a_cell_compared_with_it() -> None:
    """So each round of the cell has a round of the baseline near it in time."""
    machine = Machine(drift=0.0)
    base, cell = pair_of_cells(rounds=3, max_rounds=9, target_ci="0.0001%")
    # Six rounds would be enough for the baseline alone.
    base = replace(base, measure=planned(1, max_rounds=9, target_ci="50%").measure)
    found = rounds_by_prompt(events([base, cell], machine.measure))
    assert (len(found[1]), len(found[2])) == (9, 9)


@pytest.mark.parametrize(("left", "further"), [(0, 6), (4, 2), (6, 0), (7, 0)])
def test_no_baseline_gets_more_rounds_than_its_maximum(left: int, further: int) -> None:
    """Rounds of an interrupted run count. Cells compared with it continue without new ones."""
    machine = Machine(drift=0.0)
    base, cell = pair_of_cells(rounds=6, max_rounds=6)
    earlier = {base.key: [machine.measure(base, index) for index in range(left)]}
    happened = events([base, cell], machine.measure, earlier=earlier)
    found = rounds_by_prompt(happened)
    assert (len(found.get(1, ())), len(found[2])) == (further, 6)
    ends = {event.item.key: event.status for event in happened if isinstance(event, CellDone)}
    assert ends == {base.key: Status.OK, cell.key: Status.OK}


def test_a_cell_continues_until_its_speed_up_meets_the_target_too() -> None:
    """The cell's own rounds agree, but the baseline's do not."""
    base, cell = pair_of_cells(rounds=6, max_rounds=9, target_ci="2%")
    steady = [fine(index, at=index) for index in range(6)]
    erratic = [fine(index, 1.0 + index % 2, at=index) for index in range(6)]
    assert stop_rule(cell, {cell.key: steady, base.key: steady}) is StopRule.TARGET
    assert stop_rule(cell, {cell.key: steady, base.key: erratic}) is None


def test_a_baseline_that_fails_does_not_stop_its_cells() -> None:
    """They are measured, but have no speed-up."""
    base, cell = pair_of_cells()

    def measure(item: Planned, index: int) -> Round:
        return fine(index) if item is cell else Round(index, Status.FAILED, "a bug")

    ends = {e.item.key: e.status for e in events([base, cell], measure) if isinstance(e, CellDone)}
    assert ends == {base.key: Status.FAILED, cell.key: Status.OK}


class BusyMachine(Machine):
    """A machine with other processes during some rounds, which then take twice as long."""

    def __init__(self, busy: Callable[[int], bool]) -> None:
        super().__init__(drift=0.0)
        self._busy = busy

    def measure(self, item: Planned, index: int) -> Round:
        one = super().measure(item, index)
        if not self._busy(index):
            return one
        samples = tuple(replace(each, seconds=2 * each.seconds) for each in one.samples)
        return replace(one, samples=samples, facts={**one.facts, "host_others": 0.5})


@pytest.mark.parametrize(
    ("busy", "done", "kept", "rule"),
    [
        ({}, 6, 6, StopRule.TARGET),
        ({1, 3}, 8, 6, StopRule.TARGET),  # two rounds are measured again
        ({0, 1, 2, 3, 4}, 11, 6, StopRule.TARGET),
        (range(3, 99), 12, 3, StopRule.ROUNDS),
        (range(99), 12, 12, StopRule.ROUNDS),  # all count, and are marked
    ],
)
def test_disturbed_rounds_are_measured_again(
    busy: Sequence[int], done: int, kept: int, rule: StopRule
) -> None:
    """Until enough rounds were undisturbed, or the maximum is reached."""
    machine = BusyMachine(lambda index: index in busy)
    item = planned(1, rounds=6, max_rounds=12, max_time="1h", target_ci="5%")
    *rounds, end = events([item], machine.measure)
    assert isinstance(end, CellDone)
    assert (len(rounds), end.metrics["latency"].rounds, end.stop_rule) == (done, kept, rule)
    slow = 2 if kept > 6 else 1
    assert end.metrics["latency"].value == pytest.approx(0.1 * slow, rel=0.01)


def test_a_cell_on_a_machine_that_is_always_disturbed_ends_with_its_time_box() -> None:
    """Its interval may be narrow, but it records that all its rounds were disturbed."""
    machine = BusyMachine(lambda _: True)
    item = planned(1, rounds=6, max_rounds=100, max_time="20s", target_ci="5%")
    *rounds, end = events([item], machine.measure)
    assert isinstance(end, CellDone)
    assert (len(rounds), end.stop_rule) == (20, StopRule.TIME_BOX)
    assert (
        end.disturbed
        == "20 of 20 rounds were disturbed; all count, because fewer than 3 were undisturbed"
    )


def test_a_speed_up_uses_the_undisturbed_rounds_of_cell_and_baseline() -> None:
    """Each is paired with a round near it in time."""
    base, cell = pair_of_cells(rounds=6, max_rounds=12, max_time="1h", target_ci="5%")
    machine = BusyMachine(lambda index: index in {0, 4})
    quiet = Machine(drift=0.0)

    def measure(item: Planned, index: int) -> Round:
        return (machine if item is cell else quiet).measure(item, index)

    found = rounds_by_prompt(events([base, cell], measure))
    ratio = against_baseline(cell, {base.key: found[1], cell.key: found[2]})
    assert ratio is not None
    assert (len(found[1]), len(found[2]), ratio.paired) == (8, 8, True)
    assert ratio.estimate.rounds == 6
    assert ratio.estimate.value == pytest.approx(1 / 1.25, rel=0.01)


def test_a_family_stays_together_in_a_pass() -> None:
    """So the rounds of a pair are near in time, however many cells there are."""
    families = []
    for prompt in range(1, 20, 3):
        base = planned(prompt)
        others = [planned(prompt + more) for more in (1, 2)]
        families += [replace(one, baseline=base.key) for one in (base, *others)]
    happened = events(families, lambda _, index: fine(index))
    order = [event.item.baseline for event in happened if isinstance(event, RoundDone)]
    assert all(len(set(order[i : i + 3])) == 1 for i in range(0, len(order), 3))


def test_a_large_family_is_closed_without_comparing_its_cells(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Comparing each cell with each would take longer than measuring: keys identify them."""

    def compare(one: object, other: object) -> bool:
        raise AssertionError("two cells were compared")

    base = planned(1, rounds=1, max_rounds=1)
    family = [replace(base, cell=planned(n).cell, baseline=base.key) for n in range(1, 200)]
    monkeypatch.setattr(Planned, "__eq__", compare)
    happened = list(in_turn(Campaign(family, {}, seed=0), lambda _, index: fine(index)))
    assert sum(isinstance(event, CellDone) for event in happened) == 199


LAWS: dict[str, Callable[[random.Random], float]] = {
    "normal": lambda r: r.gauss(0, 0.02),
    # A machine is more often much slower than much faster. 1.18296 is the median of a Gamma(1.5).
    "skewed": lambda r: r.gammavariate(1.5, 0.015) - 0.015 * 1.18296,
    # One round in ten is an outlier, in either direction, so that the median stays 0.
    "with outliers": lambda r: r.gauss(0, 0.02) + (r.random() < 0.1) * r.choice((-1, 1)) * 0.2,
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("target", ["5%", "1.5%"])
def test_95_percent_intervals_contain_the_truth_in_95_percent_of_cells(
    law: str, target: str
) -> None:
    """In 93% to 97%, although each cell is measured until its interval is narrow."""
    noise, dice = LAWS[law], random.Random(11)
    item = planned(1, rounds=6, max_rounds=30, max_time="1h", target_ci=target)
    held = tries = 0
    while tries < 1500:
        rounds: list[Round] = []
        while stop_rule(item, {item.key: rounds}) is None:
            value = math.exp(noise(dice))
            rounds.append(
                Round(len(rounds), Status.OK, values={"tokens_per_second": value}, seconds=1.0)
            )
        _, low, high = summarise([one.values["tokens_per_second"] for one in rounds])
        assert low is not None
        assert high is not None
        held += low <= 1.0 <= high
        tries += 1
    assert 0.93 <= held / tries <= 0.97
