"""Rounds of two cells, paired by when they were measured."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analyse.pairing import MOST_APART, Timed, pairs


def at(*times: float) -> list[Timed]:
    """A figure at each of the times, worth that time."""
    return [Timed(time, time) for time in times]


def test_equally_many_are_paired_in_order() -> None:
    assert pairs(at(1, 3, 5), at(2, 4, 6)) == [(1, 2), (3, 4), (5, 6)]


def test_the_order_they_are_given_in_is_of_no_matter() -> None:
    assert pairs(at(5, 1, 3), at(6, 2, 4)) == [(1, 2), (3, 4), (5, 6)]


@pytest.mark.parametrize("swap", [False, True])
def test_what_is_left_over_is_the_farthest(swap: bool) -> None:
    """A baseline that began earlier: its first rounds stay alone."""
    few, many = at(10, 12), at(0, 2, 9, 13)
    expected = [(10, 9), (12, 13)]
    told = pairs(many, few) if swap else pairs(few, many)
    assert told == ([(b, a) for a, b in expected] if swap else expected)


def test_pairs_too_far_apart_are_dropped() -> None:
    """The machine may have become another in between."""
    assert pairs(at(0, 1), at(1, 2 + 1 + MOST_APART)) == [(0, 1)]


def test_nothing_pairs_with_nothing() -> None:
    assert pairs([], at(1, 2)) == pairs(at(1), []) == []


times = st.lists(st.integers(0, 60), max_size=6)


@given(times, times)
def test_no_other_pairing_is_nearer(ours: list[int], theirs: list[int]) -> None:
    """Of all that keep the order and use each once; told by trying them all."""
    short, long = sorted((sorted(ours), sorted(theirs)), key=len)
    best = min(
        sum(abs(a - b) for a, b in zip(short, chosen, strict=True))
        for chosen in combinations(long, len(short))
    )
    told = pairs(at(*ours), at(*theirs))
    assert len(told) == len(short)
    assert sum(abs(a - b) for a, b in told) == best
