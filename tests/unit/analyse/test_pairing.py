"""Rounds of two cells, paired by the time of their measurement."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analyse.pairing import MOST_APART, Timed, pairs


def at(*times: float) -> list[Timed]:
    """A value at each of these times, equal to the time."""
    return [Timed(time, time) for time in times]


def test_equal_numbers_are_paired_in_order() -> None:
    assert pairs(at(1, 3, 5), at(2, 4, 6)) == [(1, 2), (3, 4), (5, 6)]


def test_the_given_order_does_not_matter() -> None:
    assert pairs(at(5, 1, 3), at(6, 2, 4)) == [(1, 2), (3, 4), (5, 6)]


@pytest.mark.parametrize("swap", [False, True])
def test_the_rounds_left_over_are_the_farthest(swap: bool) -> None:
    """The first rounds of a baseline that began earlier have no partner."""
    few, many = at(10, 12), at(0, 2, 9, 13)
    expected = [(10, 9), (12, 13)]
    found = pairs(many, few) if swap else pairs(few, many)
    assert found == ([(b, a) for a, b in expected] if swap else expected)


def test_pairs_too_far_apart_are_dropped() -> None:
    """The machine may have changed in between."""
    assert pairs(at(0, 1), at(1, 2 + 1 + MOST_APART)) == [(0, 1)]


def test_nothing_pairs_with_nothing() -> None:
    assert pairs([], at(1, 2)) == pairs(at(1), []) == []


times = st.lists(st.integers(0, 60), max_size=6)


@given(times, times)
def test_no_other_pairing_is_nearer(ours: list[int], theirs: list[int]) -> None:
    """Compared with all pairings that keep the order and use each round once."""
    short, long = sorted((sorted(ours), sorted(theirs)), key=len)
    best = min(
        sum(abs(a - b) for a, b in zip(short, chosen, strict=True))
        for chosen in combinations(long, len(short))
    )
    found = pairs(at(*ours), at(*theirs))
    assert len(found) == len(short)
    assert sum(abs(a - b) for a, b in found) == best
