"""A cell's speed-up over its baseline."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analyse.compare import Measured, Speedup
from harness.analyse.compare import speedup as speedup_of
from harness.analyse.pairing import Timed
from harness.domain.metric import Direction, Estimate

Make = Callable[..., Estimate]


def speedup(baseline: Estimate, cell: Estimate) -> Estimate | None:
    """The speed-up from estimates alone, without rounds to pair."""
    found = speedup_of(Measured(cell), Measured(baseline))
    assert found is None or not found.paired
    return found.estimate if found else None


@pytest.mark.parametrize(("direction", "ratio"), [(Direction.LOWER, 0.5), (Direction.HIGHER, 2.0)])
def test_more_is_better_whatever_the_metrics_direction(
    estimate: Make, direction: Direction, ratio: float
) -> None:
    """Twice the tokens/s is 2 x; twice the time is 0.5 x."""
    found = speedup(estimate(1.0, direction=direction), estimate(2.0, direction=direction))
    assert found is not None
    assert (found.value, found.unit, found.direction) == (ratio, "1", Direction.HIGHER)


def test_a_cell_against_itself_has_a_speed_up_of_one(estimate: Make) -> None:
    found = speedup(estimate(0.2, 0.01), estimate(0.2, 0.01))
    assert found is not None
    assert found.value == 1
    assert found.low is not None
    assert found.high is not None
    assert found.low < 1 < found.high


def test_uncertainties_add_in_quadrature(estimate: Make) -> None:
    """3% and 4% give 5%."""
    found = speedup(estimate(1.0, 0.03), estimate(2.0, 0.08))
    assert found is not None
    assert found.low == pytest.approx(0.5 * math.exp(-0.05), rel=1e-3)
    assert found.high == pytest.approx(0.5 * math.exp(0.05), rel=1e-3)


@pytest.mark.parametrize("halves", [(None, 0.1), (0.1, None), (None, None)])
def test_a_speed_up_has_no_interval_unless_both_sides_have_one(
    estimate: Make, halves: tuple[float | None, float | None]
) -> None:
    found = speedup(estimate(1.0, halves[0]), estimate(2.0, halves[1]))
    assert found is not None
    assert (found.value, found.low, found.high) == (0.5, None, None)


@pytest.mark.parametrize(("baseline", "cell"), [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0), (-1.0, 1.0)])
def test_values_without_a_ratio_have_no_speedup(
    estimate: Make, baseline: float, cell: float
) -> None:
    """Such as the dense model's logit error, which is zero."""
    assert speedup(estimate(baseline), estimate(cell)) is None


def test_a_speed_up_has_the_fewer_rounds_and_samples_of_the_two(estimate: Make) -> None:
    found = speedup(estimate(1.0, rounds=3, samples=90), estimate(1.0, rounds=5, samples=40))
    assert found is not None
    assert (found.rounds, found.samples) == (3, 40)


@given(
    st.floats(1e-6, 1e6),
    st.floats(1e-6, 1e6),
    st.floats(0, 0.4),
    st.floats(0, 0.4),
    st.sampled_from(Direction),
)
def test_swapping_cell_and_baseline_inverts_the_speed_up(
    one: float, other: float, width: float, other_width: float, direction: Direction
) -> None:
    """Both the value and the interval."""
    here = Estimate(one, one * (1 - width), one * (1 + width), "s", direction, 3, 9)
    span = (other * (1 - other_width), other * (1 + other_width))
    there = Estimate(other, *span, "s", direction, 3, 9)
    forth, back = speedup(here, there), speedup(there, here)
    assert forth is not None
    assert back is not None
    assert forth.low is not None
    assert forth.high is not None
    assert (back.value, back.low, back.high) == pytest.approx(
        (1 / forth.value, 1 / forth.high, 1 / forth.low)
    )


def test_95_percent_intervals_contain_the_true_ratio_in_95_percent_of_pairs() -> None:
    """In 20,000 simulated pairs of cells, each known to 3%."""
    random = np.random.default_rng(1)
    true, deviation = 2.0, 0.015
    held = 0
    pairs = random.normal(1, deviation, (20_000, 2)).tolist()
    for slow, fast in ((true * one, other) for one, other in pairs):
        half = 1.96 * deviation
        spans = [(value, value * (1 - half), value * (1 + half)) for value in (slow, fast)]
        baseline, cell = (Estimate(*span, "s", Direction.LOWER, 9, 9) for span in spans)
        found = speedup(baseline, cell)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        held += found.low <= true <= found.high
    assert held / 20_000 == pytest.approx(0.95, abs=0.005)


def timed(*values: float, start: float = 0.0) -> list[Timed]:
    """One value a second."""
    return [Timed(value, start + second) for second, value in enumerate(values)]


@pytest.mark.parametrize(("direction", "ratio"), [(Direction.LOWER, 0.5), (Direction.HIGHER, 2.0)])
def test_rounds_near_in_time_make_a_paired_ratio(
    estimate: Make, direction: Direction, ratio: float
) -> None:
    """Each pair has the same ratio, although the machine slows down throughout."""
    slowing = [1.0, 2.0, 4.0, 8.0]
    ours = Measured(estimate(6.0, direction=direction), timed(*(2 * one for one in slowing)))
    theirs = Measured(estimate(3.0, direction=direction), timed(*slowing))
    found = speedup_of(ours, theirs)
    assert found is not None
    assert found.paired
    assert found.estimate.rounds == 4
    assert (found.estimate.value, found.estimate.low, found.estimate.high) == (ratio, ratio, ratio)


@pytest.mark.parametrize("start", [0.0, 1e5])
def test_few_or_distant_rounds_are_not_paired(estimate: Make, start: float) -> None:
    """The ratio of the two medians is better then."""
    count = 2 if start == 0 else 4
    theirs = Measured(estimate(1.0, 0.1), timed(*[1.0] * count))
    found = speedup_of(Measured(estimate(1.0, 0.1), timed(*[1.0] * count, start=start)), theirs)
    assert found is not None
    assert not found.paired


@pytest.mark.parametrize(
    ("low", "high", "differs"),
    [(0.9, 1.1, False), (1.01, 1.1, True), (0.8, 0.99, True), (None, None, False)],
)
def test_two_cells_differ_if_the_interval_does_not_contain_one(
    low: float | None, high: float | None, differs: bool
) -> None:
    """A ratio without an interval shows no difference."""
    found = Speedup(Estimate(1.0, low, high, "1", Direction.HIGHER, 6, 60), paired=True)
    assert found.differs is differs
