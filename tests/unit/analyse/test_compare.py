"""How many times as good as the baseline a cell is."""

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
    """Of estimates alone: their rounds are not known."""
    told = speedup_of(Measured(cell), Measured(baseline))
    assert told is None or not told.paired
    return told.estimate if told else None


@pytest.mark.parametrize(("direction", "ratio"), [(Direction.LOWER, 0.5), (Direction.HIGHER, 2.0)])
def test_more_is_better_whatever_the_metrics_direction(
    estimate: Make, direction: Direction, ratio: float
) -> None:
    """Twice the tokens a second is 2 x; twice the time is 0.5 x."""
    told = speedup(estimate(1.0, direction=direction), estimate(2.0, direction=direction))
    assert told is not None
    assert (told.value, told.unit, told.direction) == (ratio, "1", Direction.HIGHER)


def test_a_cell_against_itself_is_as_good(estimate: Make) -> None:
    told = speedup(estimate(0.2, 0.01), estimate(0.2, 0.01))
    assert told is not None
    assert told.value == 1
    assert told.low is not None
    assert told.high is not None
    assert told.low < 1 < told.high


def test_both_uncertainties_add_up_in_quadrature(estimate: Make) -> None:
    """3% and 4% make 5%."""
    told = speedup(estimate(1.0, 0.03), estimate(2.0, 0.08))
    assert told is not None
    assert told.low == pytest.approx(0.5 * math.exp(-0.05), rel=1e-3)
    assert told.high == pytest.approx(0.5 * math.exp(0.05), rel=1e-3)


@pytest.mark.parametrize("halves", [(None, 0.1), (0.1, None), (None, None)])
def test_without_an_interval_on_both_sides_there_is_none(
    estimate: Make, halves: tuple[float | None, float | None]
) -> None:
    told = speedup(estimate(1.0, halves[0]), estimate(2.0, halves[1]))
    assert told is not None
    assert (told.value, told.low, told.high) == (0.5, None, None)


@pytest.mark.parametrize(("baseline", "cell"), [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0), (-1.0, 1.0)])
def test_values_that_have_no_ratio_have_no_speedup(
    estimate: Make, baseline: float, cell: float
) -> None:
    """The dense model's error is zero."""
    assert speedup(estimate(baseline), estimate(cell)) is None


def test_it_stands_on_the_fewer_rounds_and_samples(estimate: Make) -> None:
    told = speedup(estimate(1.0, rounds=3, samples=90), estimate(1.0, rounds=5, samples=40))
    assert told is not None
    assert (told.rounds, told.samples) == (3, 40)


@given(
    st.floats(1e-6, 1e6),
    st.floats(1e-6, 1e6),
    st.floats(0, 0.4),
    st.floats(0, 0.4),
    st.sampled_from(Direction),
)
def test_the_other_way_round_it_is_the_inverse(
    one: float, other: float, width: float, other_width: float, direction: Direction
) -> None:
    """Value and interval alike."""
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


def test_the_interval_holds_the_true_ratio_as_often_as_it_says() -> None:
    """In about 95 of 100 pairs of cells, each known to 3%; told by 20,000 made-up ones."""
    random = np.random.default_rng(1)
    true, deviation = 2.0, 0.015
    held = 0
    pairs = random.normal(1, deviation, (20_000, 2)).tolist()
    for slow, fast in ((true * one, other) for one, other in pairs):
        half = 1.96 * deviation
        spans = [(value, value * (1 - half), value * (1 + half)) for value in (slow, fast)]
        baseline, cell = (Estimate(*span, "s", Direction.LOWER, 9, 9) for span in spans)
        told = speedup(baseline, cell)
        assert told is not None
        assert told.low is not None
        assert told.high is not None
        held += told.low <= true <= told.high
    assert held / 20_000 == pytest.approx(0.95, abs=0.005)


def timed(*values: float, start: float = 0.0) -> list[Timed]:
    """A figure a second."""
    return [Timed(value, start + second) for second, value in enumerate(values)]


@pytest.mark.parametrize(("direction", "ratio"), [(Direction.LOWER, 0.5), (Direction.HIGHER, 2.0)])
def test_rounds_near_in_time_make_a_paired_ratio(
    estimate: Make, direction: Direction, ratio: float
) -> None:
    """Though the machine slows down all the while, each pair says the same."""
    slowing = [1.0, 2.0, 4.0, 8.0]
    ours = Measured(estimate(6.0, direction=direction), timed(*(2 * one for one in slowing)))
    theirs = Measured(estimate(3.0, direction=direction), timed(*slowing))
    told = speedup_of(ours, theirs)
    assert told is not None
    assert told.paired
    assert told.estimate.rounds == 4
    assert (told.estimate.value, told.estimate.low, told.estimate.high) == (ratio, ratio, ratio)


@pytest.mark.parametrize("start", [0.0, 1e5])
def test_few_pairs_or_far_ones_make_none(estimate: Make, start: float) -> None:
    """Then the two medians say more."""
    count = 2 if start == 0 else 4
    theirs = Measured(estimate(1.0, 0.1), timed(*[1.0] * count))
    told = speedup_of(Measured(estimate(1.0, 0.1), timed(*[1.0] * count, start=start)), theirs)
    assert told is not None
    assert not told.paired


@pytest.mark.parametrize(
    ("low", "high", "differs"),
    [(0.9, 1.1, False), (1.01, 1.1, True), (0.8, 0.99, True), (None, None, False)],
)
def test_two_differ_where_the_interval_does_not_hold_one(
    low: float | None, high: float | None, differs: bool
) -> None:
    """A ratio without an interval tells nothing apart."""
    told = Speedup(Estimate(1.0, low, high, "1", Direction.HIGHER, 6, 60), paired=True)
    assert told.differs is differs
