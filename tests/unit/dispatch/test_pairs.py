"""Pairs of rounds: balanced, side by side with the controls, and no longer than needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import count

from harness.analyse.confirm import LOOKS
from harness.dispatch.pairs import Compared, Comparison, Pairs, Side, SideDone
from harness.domain.cell import Cell, Choice
from harness.domain.night import Role, Verdict
from harness.domain.result import Round, Sample, Status
from harness.plan.plan import Action, Planned
from harness.spec.settings import Limits, Measure

NUMBERS = count()


def planned(prompt: int = 16) -> Planned:
    cell = Cell(
        model=Choice("decoder", (("d_model", 64), ("heads", 2), ("layers", 2))),
        hardware=Choice("local"),
        scenario=Choice("decode"),
        parallelism=(),
        compression=(),
        operator=Choice("sdpa"),
        precision=Choice("fp32"),
        backend=Choice("eager"),
        workload=(("batch", 1), ("generate", 2), ("prompt", prompt)),
    )
    return Planned(cell, Action.MEASURE, "", Measure(), Limits(), ("small",))


def measured(seconds: float) -> Round:
    samples = (Sample("tpot", seconds), Sample("ttft", seconds))
    facts = {"tokens": 1.0, "steps": 1.0}
    return Round(0, Status.OK, samples=samples, facts=facts)


Times = Callable[[Comparison, bool, int], float]


def driven(
    comparisons: list[Comparison],
    time: Times,
    is_over: Callable[[], bool] = lambda: False,
    seed: int = 1,
) -> tuple[list[SideDone], list[Compared]]:
    """All events, if each round takes as long as `time` says."""
    pairs = Pairs(comparisons, seed, is_over)
    rounds: list[SideDone] = []
    ends: list[Compared] = []
    while (wanted := pairs.next()) is not None:
        side = pairs.side_of(wanted.item)
        comparison = next(one for one in comparisons if side in {one.base, one.head})
        head = side == comparison.head
        pairs.take(wanted, measured(time(comparison, head, wanted.index)))
        for event in pairs.events():
            if isinstance(event, SideDone):
                rounds.append(event)
            else:
                ends.append(event)
    ends += [event for event in pairs.events() if isinstance(event, Compared)]
    return rounds, ends


def noisy(ratio: float) -> Times:
    """The head takes `ratio` times as long; some noise by turns."""
    return lambda _, head, index: (ratio if head else 1.0) * (1 + 0.001 * ((7 * index + head) % 5))


def suspect() -> Comparison:
    """With builds of its own, by which the tests tell the sides apart."""
    number = next(NUMBERS)
    return Comparison(Role.SUSPECT, planned(), Side(f"old{number}"), Side(f"new{number}"))


def test_a_clear_change_is_confirmed_at_the_first_look() -> None:
    rounds, (end,) = driven([suspect()], noisy(1.3))
    assert end.verdict is Verdict.CONFIRMED
    assert len(end.pairs) == LOOKS[0]
    assert len(rounds) == 2 * LOOKS[0]
    assert end.evidence is not None
    assert 1.29 < end.evidence.ratio < 1.31


def test_no_change_is_rejected() -> None:
    _, (end,) = driven([suspect()], noisy(1.0))
    assert end.verdict is Verdict.REJECTED


def test_each_side_leads_equally_often() -> None:
    """Whichever round comes second may be slower for that alone."""
    _, (end,) = driven([suspect()], lambda _, head, index: 1.05 if (index + head) % 2 else 1.0)
    leads = Counter(pair.head_first for pair in end.pairs)
    assert abs(leads[True] - leads[False]) <= 1


def test_all_comparisons_take_part_in_every_pass() -> None:
    comparisons = [suspect(), suspect(), suspect()]
    rounds, _ = driven(comparisons, noisy(1.3))
    for start in range(0, len(rounds), 6):
        seen = Counter(one.comparison for one in rounds[start : start + 6])
        assert set(seen.values()) == {2}


def test_the_two_rounds_of_a_pair_follow_each_other() -> None:
    rounds, _ = driven([suspect(), suspect()], noisy(1.3))
    for first, second in zip(rounds[::2], rounds[1::2], strict=True):
        assert first.comparison is second.comparison
        assert first.head is not second.head


def test_a_side_that_fails_ends_its_comparison_alone() -> None:
    broken, other = suspect(), suspect()
    pairs = Pairs([broken, other], 1, lambda: False)
    ends: list[Compared] = []
    while (wanted := pairs.next()) is not None:
        side = pairs.side_of(wanted.item)
        bad = side == broken.head
        done = Round(0, Status.CRASHED, "SIGSEGV") if bad else measured(1.0)
        pairs.take(wanted, done)
        ends += [one for one in pairs.events() if isinstance(one, Compared)]
    assert [one.verdict for one in ends] == [Verdict.FAILED, Verdict.REJECTED]
    assert ends[0].reason == "head: crashed: SIGSEGV"
    assert ends[0].evidence is None


def test_when_the_time_is_over_what_is_open_is_inconclusive() -> None:
    asked = iter([False, False, True])
    _, (end,) = driven([suspect()], noisy(1.3), lambda: next(asked))
    assert end.verdict is Verdict.INCONCLUSIVE
    assert end.reason == "the time was over after 2 pairs"
    assert end.evidence is None


def test_a_slowed_control_is_measured_like_the_others() -> None:
    slowed = Comparison(Role.SLOWED, planned(), Side("new"), Side("new", slowed=0.1))
    pairs = Pairs([slowed], 1, lambda: False)
    sides = set()
    for _ in range(2):
        wanted = pairs.next()
        assert wanted is not None
        sides.add(pairs.side_of(wanted.item))
    assert sides == {slowed.base, slowed.head}
