"""Ranks, shared where the data cannot tell cells apart."""

from __future__ import annotations

import math
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from harness.analyse.ranking import Rank, pareto_front, rank
from harness.domain.metric import Direction, Estimate

Make = Callable[..., Estimate]


@st.composite
def estimates(draw: st.DrawFn) -> list[Estimate]:
    """Of one metric; few different values, so that ties are frequent."""
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
    """By the whole interval: what ranks mean, spelt out."""
    bounds = [
        (-math.inf if e.low is None else e.low, math.inf if e.high is None else e.high)
        for e in (one, other)
    ]
    if one.direction is Direction.LOWER:
        return bounds[0][1] < bounds[1][0]
    return bounds[0][0] > bounds[1][1]


def test_cells_told_apart_have_ranks_of_their_own(estimate: Make) -> None:
    ranks = rank([estimate(3.0, 0.1), estimate(1.0, 0.1), estimate(2.0, 0.1)])
    assert ranks == [Rank(3, 3), Rank(1, 1), Rank(2, 2)]


def test_cells_that_overlap_share_a_rank(estimate: Make) -> None:
    ranks = rank([estimate(1.0, 0.2), estimate(1.1, 0.2), estimate(2.0, 0.2)])
    assert ranks == [Rank(1, 2), Rank(1, 2), Rank(3, 3)]


def test_a_chain_of_overlaps_is_no_tie_of_its_ends(estimate: Make) -> None:
    """The first is better than the last; the one between may be either."""
    ranks = rank([estimate(1.0, 0.3), estimate(1.5, 0.3), estimate(2.0, 0.3)])
    assert ranks == [Rank(1, 2), Rank(1, 3), Rank(2, 3)]


def test_more_is_better_where_the_metric_says_so(estimate: Make) -> None:
    ranks = rank([estimate(1.0, 0.1, Direction.HIGHER), estimate(2.0, 0.1, Direction.HIGHER)])
    assert ranks == [Rank(2, 2), Rank(1, 1)]


def test_a_value_without_an_interval_is_told_from_no_other(estimate: Make) -> None:
    """How far another round would be from it nobody knows."""
    assert rank([estimate(1.0), estimate(9.0)]) == [Rank(1, 2), Rank(1, 2)]
    told = rank([estimate(1.0), estimate(1.1, 0.2), estimate(9.0, 0.2)])
    assert told == [Rank(1, 3), Rank(1, 2), Rank(2, 3)]


def test_intervals_that_touch_are_not_told_apart(estimate: Make) -> None:
    assert rank([estimate(1.0, 0.5), estimate(2.0, 0.5)]) == [Rank(1, 2), Rank(1, 2)]


def test_nothing_has_no_ranks() -> None:
    assert rank([]) == []


def test_a_rank_is_said_as_a_place_or_a_range() -> None:
    assert [str(Rank(1, 1)), str(Rank(2, 4))] == ["1", "2–4"]


@given(estimates())
def test_ranks_count_the_certainly_better_and_worse(given_ones: list[Estimate]) -> None:
    """Against the definition, pair by pair."""
    for one, place in zip(given_ones, rank(given_ones), strict=True):
        better = sum(certainly_better(other, one) for other in given_ones)
        worse = sum(certainly_better(one, other) for other in given_ones)
        assert place == Rank(1 + better, len(given_ones) - worse)


@given(estimates())
def test_a_rank_is_a_place_there_is(given_ones: list[Estimate]) -> None:
    """And the best one's first place is the first."""
    ranks = rank(given_ones)
    assert all(1 <= one.first <= one.last <= len(ranks) for one in ranks)
    assert min(one.first for one in ranks) == 1
    assert max(one.last for one in ranks) == len(ranks)


@given(estimates(), st.data())
def test_the_order_given_is_of_no_matter(given_ones: list[Estimate], data: st.DataObject) -> None:
    """Each cell has its rank wherever it stands."""
    order = data.draw(st.permutations(range(len(given_ones))))
    ranks = rank(given_ones)
    assert [ranks[i] for i in order] == rank([given_ones[i] for i in order])


def test_the_front_is_what_nothing_beats(estimate: Make) -> None:
    """Speed, memory, loss: a row is beaten by one better in a figure and worse in none."""
    fast = [estimate(1.0, 0.0), estimate(5.0, 0.0), estimate(0.3, 0.0)]
    exact = [estimate(3.0, 0.0), estimate(5.0, 0.0), estimate(0.0, 0.0)]
    beaten = [estimate(3.1, 0.0), estimate(6.0, 0.0), estimate(0.1, 0.0)]
    assert pareto_front([fast, exact, beaten]) == [True, True, False]


def test_what_cannot_be_told_apart_does_not_beat(estimate: Make) -> None:
    """A hair faster, as far as anyone knows, and worse in quality: off the front."""
    dense = [estimate(3.0, 0.1), estimate(0.0, 0.0)]
    pruned = [estimate(2.95, 0.1), estimate(0.1, 0.0)]
    assert pareto_front([dense, pruned]) == [True, False]
    assert pareto_front([dense, dense]) == [True, True]


def test_a_speed_without_an_interval_beats_nothing(estimate: Make) -> None:
    """Nor does a row that looks worse in it, by its value, beat another."""
    fast, slow = [estimate(1.0), estimate(0.1, 0.0)], [estimate(9.0), estimate(0.1, 0.0)]
    assert pareto_front([fast, slow]) == [True, True]
    exact = [estimate(9.0), estimate(0.0, 0.0)]
    assert pareto_front([fast, exact]) == [True, True]
    assert pareto_front([slow, exact]) == [False, True]
