"""Ranks that cells share when the data cannot tell them apart."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.domain.metric import Direction, Estimate


@dataclass(frozen=True)
class Rank:
    """The best and the worst place a cell may have; 1 is the best."""

    first: int
    last: int

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}–{self.last}"


def rank(estimates: Sequence[Estimate]) -> list[Rank]:
    """The rank of each, in the order given; all are of one metric.

    One cell is certainly better than another when its whole interval lies on the better side
    of the other's. A cell's first possible place is one behind all that are certainly better,
    its last is one before all that are certainly worse. A value without an interval may be
    anything: it is certainly better or worse than no other.
    """
    spans = [_span(one) for one in estimates]
    lows, highs = sorted(low for low, _ in spans), sorted(high for _, high in spans)
    return [Rank(1 + bisect_left(highs, low), bisect_right(lows, high)) for low, high in spans]


def front(rows: Sequence[Sequence[Estimate]]) -> list[bool]:
    """Which rows are on the Pareto front: the figures of each are in the same order.

    One row beats another when it is certainly better in some figure, and worse in none; what
    nothing beats is on the front. As in a ranking, a figure is certainly better when its whole
    interval is. It is worse when the other's is certainly better; without an interval, when its
    value is worse.
    """
    spans = [[_span(one) for one in row] for row in rows]
    seen = [[_span(_as_measured(one)) for one in row] for row in rows]

    def beats(other: int, row: int) -> bool:
        better = any(
            ours[1] < theirs[0] for ours, theirs in zip(spans[other], spans[row], strict=True)
        )
        worse = any(
            theirs[1] < ours[0] for ours, theirs in zip(seen[other], seen[row], strict=True)
        )
        return better and not worse

    every = range(len(rows))
    return [not any(beats(other, row) for other in every if other != row) for row in every]


def _as_measured(estimate: Estimate) -> Estimate:
    """With the value as its interval where there is none."""
    known = estimate.low is not None and estimate.high is not None
    return estimate if known else replace(estimate, low=estimate.value, high=estimate.value)


def _span(estimate: Estimate) -> tuple[float, float]:
    """The interval, turned so that less is better; without one, all numbers."""
    low = -math.inf if estimate.low is None else estimate.low
    high = math.inf if estimate.high is None else estimate.high
    return (low, high) if estimate.direction is Direction.LOWER else (-high, -low)
