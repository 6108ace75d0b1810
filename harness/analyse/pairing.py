"""Pairs the rounds of two cells by the time they ran, so that slow drift cancels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# Rounds further apart than this many seconds are no pair: the machine may have changed since.
MOST_APART = 900.0


@dataclass(frozen=True)
class Timed:
    """A round's figure, and the round's start in seconds; all starts use the same clock."""

    value: float
    when: float


def pairs(ours: Sequence[Timed], theirs: Sequence[Timed]) -> list[tuple[float, float]]:
    """Pairs of our and their figures that are close in time; each figure is used once.

    The pairs keep the order of time and have the least total distance in time. What is left over
    of the longer side stays unpaired. Pairs more than MOST_APART seconds apart are dropped.
    """
    short, long = sorted((sorted(ours, key=_when), sorted(theirs, key=_when)), key=len)
    swapped = len(theirs) < len(ours)
    matched = [(one, long[index]) for one, index in zip(short, _partners(short, long), strict=True)]
    near = [(a, b) for a, b in matched if abs(a.when - b.when) <= MOST_APART]
    return [(b.value, a.value) if swapped else (a.value, b.value) for a, b in near]


def _partners(short: Sequence[Timed], long: Sequence[Timed]) -> list[int]:
    """For each item of `short`, its partner's index in `long`, ascending: least total distance.

    By dynamic programming over prefixes: the j-th item of `long` either is the partner of the
    i-th item of `short`, or stays unpaired.
    """
    room = len(long) - len(short)  # how many items of `long` stay unpaired
    never = float("inf")
    # least[i][j]: the least total distance if the first i are matched within the first j.
    least = [[0.0] * (len(long) + 1)] + [[never] * (len(long) + 1) for _ in short]
    for i, one in enumerate(short, start=1):
        for j in range(i, i + room + 1):
            taken = least[i - 1][j - 1] + abs(one.when - long[j - 1].when)
            least[i][j] = min(taken, least[i][j - 1])
    found: list[int] = []
    j = len(long)
    for i in range(len(short), 0, -1):
        while least[i][j] == least[i][j - 1]:
            j -= 1
        j -= 1
        found.append(j)
    return found[::-1]


def _when(one: Timed) -> float:
    return one.when
