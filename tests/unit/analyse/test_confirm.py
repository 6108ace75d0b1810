"""Pairs prove a change, or that there is none; a night's controls and number of tests count."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analyse.confirm import (
    LOOKS,
    RELEVANT,
    SIGNIFICANT,
    SLOWED_BY,
    Evidence,
    evidence,
    hold,
    order,
    void_reason,
)
from harness.domain.cell import Cell, Choice
from harness.domain.metric import Direction
from harness.domain.night import Confirmation, Pair, Role, Verdict
from harness.domain.run import Commit

ONE = Choice("any")
AXES = dict.fromkeys(("model", "hardware", "scenario", "operator", "precision", "backend"), ONE)
CELL = Cell(**AXES, parallelism=(), compression=(), workload=())


def pairs(
    ratio: float, noise: float = 0.01, second: float = 1.0, seed: int = 0, unit: float = 1.0
) -> list[Pair]:
    """LOOKS[-1] pairs; the second round of each takes `second` times as long."""
    rng = np.random.default_rng(seed)
    made = []
    for head_first in order(random.Random(seed)):
        base, head = unit * np.exp(rng.normal(0, noise, 2)) * (1, ratio)
        made.append(
            Pair(head_first, base * second, head)
            if head_first
            else Pair(head_first, base, head * second)
        )
    return made


def judged(made: Sequence[Pair]) -> tuple[int, Evidence]:
    """At the first look that has a verdict."""
    for count in LOOKS:
        found = evidence(made[:count])
        if found.verdict is not None:
            return count, found
    raise AssertionError("no verdict at the last look")


def confirmation(
    p: float | None = 1e-5,
    role: Role = Role.SUSPECT,
    verdict: Verdict = Verdict.CONFIRMED,
    ratio: float | None = 1.1,
    reason: str = "",
) -> Confirmation:
    return Confirmation(
        role=role,
        cell=CELL,
        metric="latency",
        unit="s",
        direction=Direction.LOWER,
        base=Commit("a"),
        head=Commit("b"),
        verdict=verdict,
        reason=reason,
        ratio=ratio,
        p=p,
    )


SAME = confirmation(0.5, Role.SAME, Verdict.REJECTED, 1.0)
SLOWED = confirmation(1e-9, Role.SLOWED, Verdict.CONFIRMED, 1.15)


@pytest.mark.parametrize("ratio", [1.1, 1 / 1.1])
def test_a_change_is_confirmed_in_both_directions(ratio: float) -> None:
    _, found = judged(pairs(ratio))
    assert found.verdict is Verdict.CONFIRMED
    assert found.ratio == pytest.approx(ratio, rel=0.02)
    assert found.low is not None
    assert found.high is not None
    assert found.low < ratio < found.high
    assert found.p is not None
    assert found.p < SIGNIFICANT
    assert not found.reason


@pytest.mark.parametrize("seed", range(5))
def test_no_change_is_rejected(seed: int) -> None:
    _, found = judged(pairs(1.0, seed=seed))
    assert found.verdict is Verdict.REJECTED


@pytest.mark.parametrize("ratio", [1.0, 1.03, 1.1])
def test_both_directions_have_the_same_verdict(ratio: float) -> None:
    """Head and base exchanged: the same evidence, mirrored."""
    for seed in range(10):
        made = pairs(ratio, 0.02, seed=seed)
        swapped = [Pair(not one.head_first, one.head, one.base) for one in made]
        (looks, one), (other_looks, other) = judged(made), judged(swapped)
        assert (looks, one.verdict, one.reason) == (other_looks, other.verdict, other.reason)
        assert one.ratio * other.ratio == pytest.approx(1)
        assert one.p == pytest.approx(other.p)


def test_a_clear_case_ends_early_and_a_close_one_late() -> None:
    assert judged(pairs(1.2, 0.005))[0] == LOOKS[0]
    assert judged(pairs(1.0, 0.005))[0] == LOOKS[0]
    assert judged(pairs(1.02, 0.02))[0] == LOOKS[-1]


def test_a_change_too_small_to_matter_is_rejected_however_sure() -> None:
    _, found = judged(pairs(1 + RELEVANT / 2, 0.001))
    assert found.verdict is Verdict.REJECTED
    assert found.reason == "any change is below 2%"
    assert found.p is not None
    assert found.p < SIGNIFICANT


def test_a_noisy_machine_rejects_nothing_for_want_of_evidence() -> None:
    """p is large, but a change of 10 % would not show either."""
    count, found = judged(pairs(1.0, 0.3, seed=3))
    assert count == LOOKS[-1]
    assert found.p == 1
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "15 pairs prove no change and exclude none up to" in found.reason


@pytest.mark.parametrize("second", [1.02, 1.2, 0.9])
def test_a_slower_second_round_is_no_change(second: float) -> None:
    """Nor does it hide one, or move it."""
    _, same = judged(pairs(1.0, second=second))
    assert same.verdict is Verdict.REJECTED
    for count in LOOKS:
        plain, biased = (evidence(pairs(1.1, second=one)[:count]) for one in (1.0, second))
        assert biased.ratio == pytest.approx(plain.ratio)
        assert biased.p == pytest.approx(plain.p)
        assert biased.verdict is plain.verdict


@pytest.mark.parametrize("ratio", [1.0, 1.1])
@pytest.mark.parametrize("size", [1.3, 2.88, 100.0])
def test_bursts_change_no_verdict(ratio: float, size: float) -> None:
    made = pairs(ratio)
    made[1] = Pair(made[1].head_first, made[1].base, made[1].head * size)
    made[4] = Pair(made[4].head_first, made[4].base * size, made[4].head)
    made[8] = Pair(made[8].head_first, made[8].base, made[8].head * size)
    _, found = judged(made)
    assert found.verdict is (Verdict.CONFIRMED if ratio > 1 else Verdict.REJECTED)
    assert found.ratio == pytest.approx(ratio, rel=0.02)


def test_drift_that_both_sides_share_cancels() -> None:
    made = pairs(1.0)
    drifted = [
        Pair(one.head_first, one.base * 1.05**at, one.head * 1.05**at)
        for at, one in enumerate(made)
    ]
    one, other = judged(made)[1], judged(drifted)[1]
    assert one.verdict is other.verdict
    assert one.ratio == pytest.approx(other.ratio)
    assert one.p == pytest.approx(other.p)


def test_before_a_look_there_is_no_verdict() -> None:
    made = pairs(1.5)
    for count in range(1, LOOKS[-1]):
        found = evidence(made[:count])
        assert (found.p is None) == (count not in LOOKS)
        if count not in LOOKS:
            assert found == Evidence(None, found.ratio)
            assert found.ratio == pytest.approx(1.5, rel=0.05)


def test_exact_figures_are_exact() -> None:
    """A file's size, say, has no noise."""
    made = pairs(1.0, 0.0, unit=0.1)
    assert judged(made)[1].verdict is Verdict.REJECTED
    assert judged(made)[1].p == 1
    changed = [Pair(one.head_first, one.base, one.head * 1.1) for one in made]
    assert judged(changed) == (LOOKS[0], evidence(changed[: LOOKS[0]]))
    assert judged(changed)[1].verdict is Verdict.CONFIRMED
    assert judged(changed)[1].p == 0


def test_values_without_logarithm_and_orders_without_balance_are_refused() -> None:
    with pytest.raises(ValueError, match="no logarithm"):
        evidence([Pair(True, 0.0, 1.0)])
    with pytest.raises(ValueError, match="both orders"):
        evidence([Pair(True, 1.0, 1.0 + at / 100) for at in range(LOOKS[0])])


@given(st.floats(1e-9, 1e9), st.integers(0, 50))
def test_the_unit_changes_nothing(unit: float, seed: int) -> None:
    one, other = (judged(pairs(1.05, 0.02, seed=seed, unit=by))[1] for by in (1.0, unit))
    assert one.verdict is other.verdict
    assert one.ratio == pytest.approx(other.ratio)
    assert one.p == pytest.approx(other.p, rel=1e-3)


@given(st.lists(st.floats(0.5, 2.0), min_size=LOOKS[-1], max_size=LOOKS[-1]), st.integers(0, 9))
def test_any_pairs_have_a_verdict(heads: list[float], seed: int) -> None:
    made = [Pair(at, 1.0, head) for at, head in zip(order(random.Random(seed)), heads, strict=True)]
    _, found = judged(made)
    assert found.low is not None
    assert found.high is not None
    assert found.p is not None
    assert found.low <= found.ratio <= found.high
    assert 0 <= found.p <= 1
    if found.verdict is Verdict.CONFIRMED:
        assert abs(math.log(found.ratio)) >= math.log1p(RELEVANT)


def test_noise_has_small_p_values_as_rarely_as_promised() -> None:
    """The last look has half of SIGNIFICANT: p < 0.1 in 5 % of 3,000 comparisons."""
    rng = np.random.default_rng(1)
    dice = random.Random(1)
    small = 0
    for rounds in np.exp(rng.normal(0, 0.05, (3000, LOOKS[-1], 2))).tolist():
        found = evidence([Pair(at, *two) for at, two in zip(order(dice), rounds, strict=True)])
        assert found.p is not None
        small += found.p < 0.1
    assert 0.038 < small / 3000 < 0.062


def test_an_early_look_confirms_only_what_holds_among_many() -> None:
    """With enough comparisons it asks for more pairs; the last look leaves it to `hold`."""
    made = pairs(1.1, 0.012)
    alone = evidence(made[: LOOKS[0]])
    assert alone.verdict is Verdict.CONFIRMED
    assert alone.p is not None
    many = math.ceil(SIGNIFICANT / alone.p) + 1
    assert evidence(made[: LOOKS[0]], many).verdict is None
    assert evidence(made, many).verdict is Verdict.CONFIRMED


def test_the_order_is_random_and_balanced_at_each_look() -> None:
    orders = [order(random.Random(seed)) for seed in range(200)]
    for one in orders:
        assert len(one) == LOOKS[-1]
        for count in LOOKS:
            assert abs(2 * sum(one[:count]) - count) <= 1
    assert len({tuple(one) for one in orders}) > 150
    firsts = np.mean(orders, axis=0)
    assert firsts.min() > 0.35
    assert firsts.max() < 0.65
    assert order(random.Random(7)) == order(random.Random(7))


def test_among_many_comparisons_a_change_needs_more_proof() -> None:
    """Benjamini and Hochberg: 9e-4 is enough alone, and beside another change, but not in noise."""
    weak = confirmation(9e-4)
    noise = [confirmation(0.5, verdict=Verdict.REJECTED) for _ in range(10)]
    assert hold([weak]) == [weak]
    assert hold([weak, confirmation(1e-9)]) == [weak, confirmation(1e-9)]
    held = hold([weak, *noise])
    assert held[0].verdict is Verdict.INCONCLUSIVE
    assert held[0].reason == "not significant among 11 comparisons"
    assert held[1:] == noise
    strong = confirmation(1e-9)
    assert hold([strong, *noise]) == [strong, *noise]


def test_controls_and_what_could_not_be_measured_are_not_counted() -> None:
    weak = confirmation(9e-4, Role.REQUESTED)
    failed = confirmation(None, verdict=Verdict.FAILED, ratio=None)
    others = [SAME, SLOWED, failed]
    assert hold([weak, *others]) == [weak, *others]
    assert hold([]) == []


def test_a_night_with_sound_controls_counts() -> None:
    assert void_reason([confirmation(), SAME, SLOWED]) == ""
    unsure = confirmation(0.2, Role.SAME, Verdict.INCONCLUSIVE)
    assert void_reason([unsure, SLOWED]) == ""


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ([], "the control “same” was not measured"),
        ([SAME, confirmation()], "the control “slowed” was not measured"),
        (
            [confirmation(1e-9, Role.SAME, ratio=1.062), SLOWED],
            "a commit compared with itself seemed to differ by +6.2%",
        ),
        (
            [SAME, confirmation(0.1, Role.SLOWED, Verdict.INCONCLUSIVE)],
            "a commit slowed by 15% was not found to be slower",
        ),
        (
            [SAME, confirmation(1e-9, Role.SLOWED, ratio=0.9)],
            "a commit slowed by 15% was not found to be slower",
        ),
        (
            [SAME, confirmation(None, Role.SLOWED, Verdict.FAILED, None, "out of memory")],
            "the control “slowed” could not be measured: out of memory",
        ),
        (
            [SAME, SLOWED, confirmation(1e-9, Role.SAME, ratio=0.95)],
            "a commit compared with itself seemed to differ by -5.0%",
        ),
    ],
)
def test_a_night_whose_control_fails_is_void(found: list[Confirmation], reason: str) -> None:
    assert void_reason(found) == reason


@pytest.mark.parametrize(("noise", "least"), [(0.02, 1.0), (0.05, 0.95)])
def test_the_slowed_control_is_seen_in_nearly_every_night(noise: float, least: float) -> None:
    found = [judged(pairs(1 + SLOWED_BY, noise, seed=seed))[1] for seed in range(200)]
    assert np.mean([one.verdict is Verdict.CONFIRMED for one in found]) >= least
