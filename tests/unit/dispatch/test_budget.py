"""What a run with a budget measures, in which order, and when it ends. All clocks are made up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from harness.dispatch.budget import Budget
from harness.dispatch.campaign import Campaign, CellDone, NextRound, RoundDone
from harness.dispatch.port import Bounds
from harness.dispatch.priority import Priority
from harness.dispatch.summary import valued
from harness.domain.cell import Cell, Choice
from harness.domain.metric import Direction, Estimate
from harness.domain.result import Latest, Round, Sample, Status, StopRule
from harness.plan.expect import Expected, Span
from harness.plan.plan import Action, Planned
from harness.spec.settings import Limits, Measure

START = datetime(2026, 1, 5, tzinfo=UTC)


def planned(
    prompt: int,
    spec: str = "small",
    baseline: Planned | None = None,
    seconds: float = 1.0,
    once: float = 0.0,
    **measure: object,
) -> Planned:
    """A cell to measure, identified by its prompt, whose rounds are expected to take so long."""
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
    return Planned(
        cell=cell,
        action=Action.MEASURE,
        reason="not measured yet",
        measure=Measure.model_validate({"rounds": 3, "max_rounds": 3, **measure}),
        limits=Limits(),
        specs=(spec,),
        expected=Expected(Span(once, once), Span(seconds, seconds), rounds=(3, 3)),
        baseline=baseline.cell.id if baseline else None,
    )


def family(first: int, size: int, spec: str, seconds: float = 1.0) -> list[Planned]:
    """A baseline and the cells compared with it."""
    base = planned(first, spec, seconds=seconds)
    others = [planned(first + number, spec, base, seconds) for number in range(1, size)]
    return [replace(base, baseline=base.cell.id), *others]


def fine(index: int, seconds: float, at: float = 0.0, latency: float = 1.0) -> Round:
    samples = (Sample("latency", 9.0, warmup=True), Sample("latency", latency))
    started = START + timedelta(seconds=at)
    facts = {"tokens": 16.0}
    return valued(
        Round(index, Status.OK, samples=samples, facts=facts, seconds=seconds, started=started)
    )


@dataclass
class Simulation:
    """A campaign on a machine with its own clock. `takes` gives the seconds of a cell's round.

    `prepares` gives those before its first round.
    """

    seconds: float
    takes: Callable[[Planned], float] = lambda item: item.expected.round.low if item.expected else 0
    prepares: Callable[[Planned], float] = lambda _: 0.0
    latest: Mapping[str, Latest] = field(default_factory=dict)
    earlier: Mapping[str, Sequence[Round]] = field(default_factory=dict)
    now: float = 0.0
    order: list[Planned] = field(default_factory=list)  # the items of all rounds that began
    ends: dict[str, CellDone] = field(default_factory=dict)
    rounds: list[RoundDone] = field(default_factory=list)

    def run(self, items: list[Planned]) -> Simulation:
        budget = Budget(self.seconds, lambda: self.now)
        campaign = Campaign(items, self.earlier, 0, Priority(budget, self.latest))
        while (wanted := campaign.next()) is not None:
            self.order.append(wanted.item)
            bounds = Bounds(wanted.item.limits.timeout, 1)
            expected = wanted.item.expected
            seconds = expected.once.low + expected.round.low if expected else 0.0
            self._measure(campaign, wanted, budget.cut(bounds, seconds))
            self._note(campaign)
        self._note(campaign)
        return self

    def _measure(self, campaign: Campaign, wanted: NextRound, bounds: Bounds) -> None:
        if wanted.index == 0:
            self.now += self.prepares(wanted.item)
        seconds = self.takes(wanted.item)
        self.now += min(seconds, bounds.seconds)
        if seconds <= bounds.seconds:
            campaign.take(wanted, fine(wanted.index, seconds, self.now - seconds))
        elif bounds.is_cut:
            campaign.drop(wanted)
        else:
            campaign.take(wanted, Round(wanted.index, Status.TIMED_OUT, "too slow"))

    def _note(self, campaign: Campaign) -> None:
        for event in campaign.events():
            if isinstance(event, CellDone):
                assert event.item.key not in self.ends
                self.ends[event.item.key] = event
            else:
                self.rounds.append(event)

    def prompts(self) -> list[int]:
        """The cells of all rounds that began, in order."""
        return [item.cell.load["prompt"] for item in self.order]

    def end(self, item: Planned) -> CellDone:
        return self.ends[item.key]


def test_a_large_enough_budget_changes_no_result() -> None:
    """Every cell gets all its rounds, and the rule that ends it is its own."""
    items = [planned(prompt) for prompt in range(1, 6)]
    done = Simulation(1000).run(items)
    assert len(done.order) == 15
    assert {end.stop_rule for end in done.ends.values()} == {StopRule.ROUNDS}
    assert {end.status for end in done.ends.values()} == {Status.OK}


@pytest.mark.parametrize("seconds", [1.0, 7.0, 60.0, 200.0])
def test_the_run_ends_within_its_budget_and_a_bounded_overrun(seconds: float) -> None:
    """Even if every round takes three times as long as expected."""
    items = [planned(prompt, seconds=4.0) for prompt in range(1, 60)]
    done = Simulation(seconds, takes=lambda _: 12.0).run(items)
    assert done.now <= seconds + Budget(seconds, lambda: 0.0).overrun
    assert set(done.ends) == {item.key for item in items}


def test_a_hanging_cell_is_not_reached_rather_than_timed_out() -> None:
    """Only the budget ended its round, so that nothing is known about the cell."""
    fast, hangs = planned(1), planned(2, seconds=2.0)
    done = Simulation(60.0, takes=lambda item: 1.0 if item is fast else 1e9).run([fast, hangs])
    why = "a round took longer than the budget allows"
    assert done.end(hangs) == CellDone(hangs, Status.MEASURING, why)
    assert done.end(fast).status is Status.OK
    assert done.now <= 60.0 + Budget(60.0, lambda: 0.0).overrun


def test_a_cell_that_breaks_its_own_limit_has_timed_out() -> None:
    """The budget does not hide it."""
    slow = replace(planned(1), limits=Limits.model_validate({"timeout": "5s"}))
    done = Simulation(60.0, takes=lambda _: 6.0).run([slow])
    assert done.end(slow).status is Status.TIMED_OUT


def test_a_cell_that_cannot_fit_does_not_begin() -> None:
    """The others get the time."""
    large, small = planned(1, seconds=100.0), planned(2)
    done = Simulation(30.0).run([large, small])
    assert done.prompts() == [2, 2, 2]
    assert done.end(large) == CellDone(large, Status.MEASURING)
    assert done.end(small).stop_rule is StopRule.ROUNDS


def test_preparing_a_model_counts() -> None:
    """It takes time before a cell's first round only."""
    slow = planned(1, once=100.0)
    assert Simulation(30.0).run([slow]).order == []
    assert len(Simulation(130.0).run([slow]).order) == 3


def test_every_cell_has_a_round_before_any_has_two() -> None:
    """Then every cell gets the fewest rounds of its spec before any gets more."""
    items = [planned(prompt, max_rounds=50, target_ci="0.01%") for prompt in range(1, 11)]
    done = Simulation(25.0).run(items)
    counts = sorted(done.prompts().count(prompt) for prompt in range(1, 11))
    assert sum(counts) == 25
    assert set(counts) == {2, 3}
    assert set(done.prompts()[:10]) == set(range(1, 11))


def test_cells_with_rounds_of_an_earlier_run_wait_for_those_without() -> None:
    """Otherwise the same cells would be measured again and again."""
    old, new = (planned(prompt, max_rounds=50, target_ci="0.01%") for prompt in (1, 2))
    earlier = {old.key: [fine(index, 1.0, latency=1.0 + index) for index in range(4)]}
    assert Simulation(3.0, earlier=earlier).run([old, new]).prompts()[:3] == [2, 2, 2]


def test_a_cell_with_rounds_has_figures_and_says_that_the_budget_ended() -> None:
    item = planned(1)
    end = Simulation(1.0).run([item]).end(item)
    assert (end.status, end.stop_rule) == (Status.OK, StopRule.BUDGET)
    assert end.metrics["latency"].value == 1.0
    assert (end.metrics["latency"].low, end.metrics["latency"].rounds) == (None, 1)


def test_a_baseline_stays_open_as_long_as_a_cell_compared_with_it() -> None:
    """So that the next run still pairs their rounds."""
    base, *others = (
        replace(item, measure=Measure.model_validate({"rounds": 3}))
        for item in family(1, 4, "small")
    )
    done = Simulation(23.0).run([base, *others])  # six rounds of each, except for one
    assert done.end(base).metrics["latency"].rounds == 6
    assert done.end(base).stop_rule is StopRule.BUDGET
    rules = [done.end(item).stop_rule for item in others]
    assert sorted(map(str, rules)) == ["budget ended", *["target interval reached"] * 2]


def latest(days: float, width: float | None = 0.02) -> Latest:
    """A measurement so many days after the first day, with an interval of this half-width."""
    low, high = (None, None) if width is None else (1.0 - width, 1.0 + width)
    speed = Estimate(1.0, low, high, "1/s", Direction.HIGHER, 6, 60)
    return Latest(START + timedelta(days=days), {"tokens_per_second": speed})


def test_the_most_valuable_cells_come_first() -> None:
    """Never measured here, then measured longest ago, then least exact, then cheapest."""
    cells = {
        "dear": planned(1, seconds=2.0),
        "cheap": planned(2),
        "old": planned(3),
        "vague": planned(4),
        "wide": planned(5),
        "narrow": planned(6),
    }
    known = {
        cells["old"].cell.id: latest(1),
        cells["vague"].cell.id: latest(2, None),
        cells["wide"].cell.id: latest(2, 0.3),
        cells["narrow"].cell.id: latest(2, 0.01),
    }
    shuffled = [cells[name] for name in ("narrow", "old", "dear", "wide", "cheap", "vague")]
    assert Simulation(6.5, latest=known).run(shuffled).prompts()[:6] == [2, 1, 3, 4, 5, 6]


def test_beyond_the_fewest_rounds_the_widest_interval_comes_first() -> None:
    narrow, wide = (planned(prompt, max_rounds=99, target_ci="0.01%") for prompt in (1, 2))
    earlier = {
        narrow.key: [fine(index, 1.0, latency=1 + index / 1000) for index in range(6)],
        wide.key: [fine(index, 1.0, latency=1 + index / 10) for index in range(6)],
    }
    assert Simulation(1.0, earlier=earlier).run([narrow, wide]).prompts()[0] == 2


def test_specs_take_turns() -> None:
    """The first cells of every spec are measured, however many cells the others have."""
    items = [planned(prompt, "large") for prompt in range(1, 101)]
    items += [*family(200, 4, "middle"), planned(300, "tiny", seconds=3.0)]
    done = Simulation(14.0).run(items)
    assert [item.specs[0] for item in done.order[:6]].count("middle") == 4
    assert {item.specs[0] for item in done.order[:6]} == {"large", "middle", "tiny"}
    reached = {end.item.specs[0] for end in done.ends.values() if end.status is Status.OK}
    assert reached == {"large", "middle", "tiny"}


def test_a_baseline_is_measured_with_the_cells_compared_with_it() -> None:
    """One after the other, and the baseline first."""
    items = [*family(1, 3, "one"), *family(11, 3, "one"), *family(21, 3, "other")]
    order = Simulation(7.0).run(items).prompts()[:6]
    groups = [order[:3], order[3:]]
    assert all(group[0] % 10 == 1 for group in groups)
    assert all(len({prompt // 10 for prompt in group}) == 1 for group in groups)


def test_a_family_that_is_too_large_leaves_time_for_the_other_specs() -> None:
    """It begins with its share, the baseline and at least one cell, and goes on in its next turn."""
    items = [*family(1, 60, "large"), *family(100, 3, "small")]
    done = Simulation(20.0).run(items)
    prompts = done.prompts()
    assert prompts[0] == 1 or prompts[3] == 1
    assert {100, 101, 102} <= set(prompts)
    assert len({prompt for prompt in prompts if prompt < 100}) >= 10


COSTS = {"a": (30, 4.0), "b": (26, 2.0), "c": (40, 9.0), "d": (16, 20.0), "e": (80, 0.5)}


def various() -> list[Planned]:
    """As the shipped specs, whose whole plan takes more than an hour."""
    items: list[Planned] = []
    for number, (spec, (count, seconds)) in enumerate(COSTS.items(), start=1):
        items += family(1000 * number, count, spec, seconds)
    return items


def test_all_specs_are_represented_whatever_their_sizes_and_costs() -> None:
    """Nothing starves."""
    done = Simulation(600.0, takes=lambda item: 1.3 * item.expected.round.low).run(various())  # type: ignore[union-attr]
    reached = [end.item.specs[0] for end in done.ends.values() if end.status is Status.OK]
    assert set(reached) == set(COSTS)
    assert min(map(reached.count, COSTS)) >= 3
    assert done.now <= 630.0


def test_a_turn_ends_when_its_time_is_over_whatever_the_plan_expected() -> None:
    """As compression that takes much longer than planned, before the dearer cells of others."""
    items = [*family(1, 120, "compressed", 2.0), *family(200, 3, "dear", 45.0)]
    longer = {"compressed": 10.0, "dear": 0.0}
    done = Simulation(300.0, prepares=lambda item: longer[item.specs[0]]).run(items)
    reached = Counter(end.item.specs[0] for end in done.ends.values() if end.status is Status.OK)
    assert reached == {"compressed": 14, "dear": 3}  # 13 in 156 s, 3 in 135 s, and one more


def test_turns_of_first_rounds_do_not_count_for_the_second() -> None:
    """A spec of many cheap cells had many turns for their first rounds."""
    done = Simulation(600.0, takes=lambda item: 0.5 * item.expected.round.low).run(various())  # type: ignore[union-attr]
    rounds = Counter(item.key for item in done.order)
    twice = Counter(item.specs[0] for item in various() if rounds[item.key] > 1)
    assert set(twice) == set(COSTS)
    assert twice["e"] > twice["b"] > twice["c"]


def test_every_spec_is_represented_on_a_machine_slower_than_the_plan_expects() -> None:
    """A spec's share is of the time that is left when its turn comes."""
    items = [one for number in range(10) for one in family(100 * number, 30, f"spec {number}", 2.0)]
    done = Simulation(300.0, takes=lambda _: 6.0).run(items)
    reached = [end.item.specs[0] for end in done.ends.values() if end.status is Status.OK]
    assert set(reached) == {f"spec {number}" for number in range(10)}


def test_a_machine_that_is_faster_than_the_plan_expects_is_used() -> None:
    """The plan gives a range. The first rounds show where in it this machine is."""
    items = [planned(prompt, seconds=10.0) for prompt in range(1, 20)]
    done = Simulation(30.0, takes=lambda _: 1.0).run(items)
    assert len(set(done.prompts())) == 19


def test_time_that_no_round_is_expected_to_fit_is_tried_on_the_likeliest() -> None:
    """It may be faster than expected, and nothing else would use the time."""
    spread = Expected(Span(), Span(1.0, 400.0), rounds=(3, 3))
    item = replace(planned(1), expected=spread)  # 20 s in the middle of the range
    done = Simulation(10.0, takes=lambda _: 2.0).run([item])
    assert done.end(item).stop_rule is StopRule.ROUNDS


def test_a_budget_that_has_ended_begins_nothing() -> None:
    """Cells that an earlier run began keep their figures."""
    begun, new = planned(1), planned(2)
    done = Simulation(5.0, earlier={begun.key: [fine(0, 1.0)]}, now=6.0).run([begun, new])
    assert done.order == []
    assert done.end(begun).stop_rule is StopRule.BUDGET
    assert done.end(new) == CellDone(new, Status.MEASURING)


def test_ceilings_come_first_only_if_they_take_little_of_the_budget() -> None:
    budget = Budget(600.0, lambda: 500.0)
    assert (budget.fits_ceilings_first(60.0), budget.fits_ceilings_first(61.0)) == (True, False)
    assert (budget.fits_ceilings_last(33.0), budget.fits_ceilings_last(34.0)) == (True, False)


def test_training_begins_only_if_it_leaves_time_for_rounds() -> None:
    budget = Budget(600.0, lambda: 500.0)
    assert (budget.fits_training(50.0), budget.fits_training(51.0)) == (True, False)


def test_bounds_that_end_before_the_budget_stay() -> None:
    budget = Budget(600.0, lambda: 500.0)
    assert budget.cut(Bounds(60.0, 7), 0.0) == Bounds(60.0, 7)
    assert budget.cut(Bounds(200.0, 7), 100.0) == Bounds(130.0, 7, is_cut=True)


@pytest.mark.parametrize(
    ("whole", "expected", "seconds"),
    [(80.0, 1.0, 20.0), (800.0, 1.0, 100.0), (800.0, 70.0, 140.0)],
)
def test_a_job_takes_no_more_than_its_part_of_the_budget(
    whole: float, expected: float, seconds: float
) -> None:
    """So that a cell that hangs leaves time for the others."""
    budget = Budget(whole, lambda: 0.0)
    assert budget.cut(Bounds(9999.0, 7), expected) == Bounds(seconds, 7, is_cut=True)


def test_cells_that_hang_leave_time_for_the_others() -> None:
    """None is tried twice: it would hang again."""
    hang, fine_ones = [planned(1), planned(2)], [planned(prompt) for prompt in range(3, 40)]
    done = Simulation(200.0, takes=lambda item: 1e9 if item in hang else 1.0)
    done.run([*hang, *fine_ones])
    assert [done.prompts().count(prompt) for prompt in (1, 2)] == [1, 1]
    assert {done.end(item).stop_rule for item in fine_ones} == {StopRule.ROUNDS}
