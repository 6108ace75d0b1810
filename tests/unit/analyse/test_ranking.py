"""Ranks, shared by cells that the data cannot separate."""

from __future__ import annotations

import math
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from harness.analyse.ranking import Standing, pareto_front, rank
from harness.domain.metric import Direction, Estimate

Make = Callable[..., Estimate]


@st.composite
def estimates(draw: st.DrawFn) -> list[Estimate]:
    """Estimates of one metric, with few different values so that ties are frequent."""
    direction = draw(st.sampled_from(Direction))
    spans = draw(
        st.lists(
            st.tuples(st.integers(1, 20), st.integers(0, 5), st.booleans()), min_size=1, max_size=12
        )
    )
    return [
        Estimate(
            value,
            value - half if sure else None,
            value + half if sure else None,
            "s",
            direction,
            3,
            9,
        )
        for value, half, sure in spans
    ]


def certainly_better(one: Estimate, other: Estimate) -> bool:
    """True if the whole interval is better: the definition that ranks follow."""
    bounds = [
        (-math.inf if e.low is None else e.low, math.inf if e.high is None else e.high)
        for e in (one, other)
    ]
    if one.direction is Direction.LOWER:
        return bounds[0][1] < bounds[1][0]
    return bounds[0][0] > bounds[1][1]


def test_cells_that_differ_have_separate_ranks(estimate: Make) -> None:
    ranks = rank([estimate(3.0, 0.1), estimate(1.0, 0.1), estimate(2.0, 0.1)])
    assert ranks == [Standing(3, 3), Standing(1, 1), Standing(2, 2)]


def test_cells_that_overlap_share_a_rank(estimate: Make) -> None:
    ranks = rank([estimate(1.0, 0.2), estimate(1.1, 0.2), estimate(2.0, 0.2)])
    assert ranks == [Standing(1, 2), Standing(1, 2), Standing(3, 3)]


def test_the_ends_of_a_chain_of_overlaps_do_not_tie(estimate: Make) -> None:
    """The first is better than the last; the middle one may be equal to either."""
    ranks = rank([estimate(1.0, 0.3), estimate(1.5, 0.3), estimate(2.0, 0.3)])
    assert ranks == [Standing(1, 2), Standing(1, 3), Standing(2, 3)]


def test_more_is_better_if_the_metrics_direction_is_higher(estimate: Make) -> None:
    ranks = rank([estimate(1.0, 0.1, Direction.HIGHER), estimate(2.0, 0.1, Direction.HIGHER)])
    assert ranks == [Standing(2, 2), Standing(1, 1)]


def test_a_value_without_an_interval_differs_from_no_other(estimate: Make) -> None:
    """Nobody knows how far another round would be from it."""
    assert rank([estimate(1.0), estimate(9.0)]) == [Standing(1, 2), Standing(1, 2)]
    ranks = rank([estimate(1.0), estimate(1.1, 0.2), estimate(9.0, 0.2)])
    assert ranks == [Standing(1, 3), Standing(1, 2), Standing(2, 3)]


def test_intervals_that_touch_share_a_rank(estimate: Make) -> None:
    assert rank([estimate(1.0, 0.5), estimate(2.0, 0.5)]) == [Standing(1, 2), Standing(1, 2)]


def test_no_estimates_have_no_ranks() -> None:
    assert rank([]) == []


def test_a_rank_is_printed_as_a_place_or_a_range() -> None:
    assert [str(Standing(1, 1)), str(Standing(2, 4))] == ["1", "2–4"]


@given(estimates())
def test_ranks_count_the_certainly_better_and_worse(several: list[Estimate]) -> None:
    """Compared with the definition, pair by pair."""
    for one, place in zip(several, rank(several), strict=True):
        better = sum(certainly_better(other, one) for other in several)
        worse = sum(certainly_better(one, other) for other in several)
        assert place == Standing(1 + better, len(several) - worse)


@given(estimates())
def test_every_rank_lies_between_first_and_last(several: list[Estimate]) -> None:
    """And some cell can be the first, and some the last."""
    ranks = rank(several)
    assert all(1 <= one.first <= one.last <= len(ranks) for one in ranks)
    assert min(one.first for one in ranks) == 1
    assert max(one.last for one in ranks) == len(ranks)


@given(estimates(), st.data())
def test_the_given_order_does_not_matter(several: list[Estimate], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(several))))
    ranks = rank(several)
    assert [ranks[i] for i in order] == rank([several[i] for i in order])


def test_the_pareto_front_has_the_rows_that_none_beats(estimate: Make) -> None:
    """Speed, memory, loss: a row beats another if it is better in a figure and worse in none."""
    fast = [estimate(1.0, 0.0), estimate(5.0, 0.0), estimate(0.3, 0.0)]
    exact = [estimate(3.0, 0.0), estimate(5.0, 0.0), estimate(0.0, 0.0)]
    beaten = [estimate(3.1, 0.0), estimate(6.0, 0.0), estimate(0.1, 0.0)]
    assert pareto_front([fast, exact, beaten]) == [True, True, False]


def test_a_difference_within_the_intervals_beats_nothing(estimate: Make) -> None:
    """A row that may be a hair faster, but is worse in quality, is off the front."""
    dense = [estimate(3.0, 0.1), estimate(0.0, 0.0)]
    pruned = [estimate(2.95, 0.1), estimate(0.1, 0.0)]
    assert pareto_front([dense, pruned]) == [True, False]
    assert pareto_front([dense, dense]) == [True, True]


def test_a_speed_without_an_interval_beats_nothing(estimate: Make) -> None:
    """Nor does a row beat another if its own speed looks worse by value."""
    fast, slow = [estimate(1.0), estimate(0.1, 0.0)], [estimate(9.0), estimate(0.1, 0.0)]
    assert pareto_front([fast, slow]) == [True, True]
    exact = [estimate(9.0), estimate(0.0, 0.0)]
    assert pareto_front([fast, exact]) == [True, True]
    assert pareto_front([slow, exact]) == [False, True]
