"""Figures of two cells, paired by when they were measured, so that slow drift cancels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# Rounds further apart are no pair: the machine may have become another in between. Seconds.
MOST_APART = 900.0


@dataclass(frozen=True)
class Timed:
    """A round's figure, and when the round started, in seconds of any one clock."""

    value: float
    when: float


def pairs(ours: Sequence[Timed], theirs: Sequence[Timed]) -> list[tuple[float, float]]:
    """Our figures, each with one of theirs from near it in time; each is used once.

    In the order of time, and with the least sum of the times between: of the longer side, what
    is left over stays alone. Pairs more than MOST_APART seconds apart are dropped.
    """
    short, long = sorted((sorted(ours, key=_when), sorted(theirs, key=_when)), key=len)
    swapped = len(theirs) < len(ours)
    matched = [(one, long[index]) for one, index in zip(short, _partners(short, long), strict=True)]
    near = [(a, b) for a, b in matched if abs(a.when - b.when) <= MOST_APART]
    return [(b.value, a.value) if swapped else (a.value, b.value) for a, b in near]


def _partners(short: Sequence[Timed], long: Sequence[Timed]) -> list[int]:
    """For each of the shorter the index of its partner, ascending, with the least total distance.

    By dynamic programming over prefixes: the j-th of the longer either is the partner of the
    i-th of the shorter, or stays alone.
    """
    room = len(long) - len(short)  # how many of the longer stay alone
    never = float("inf")
    # least[i][j]: the least distance of the first i matched within the first j.
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
