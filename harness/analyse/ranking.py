"""Ranks, which cells share if the data cannot separate them, and the Pareto front."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.domain.metric import Direction, Estimate


@dataclass(frozen=True)
class Standing:
    """The best and the worst place that a cell may have; 1 is the best."""

    first: int
    last: int

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}–{self.last}"


def rank(estimates: Sequence[Estimate]) -> list[Standing]:
    """The rank of each estimate of one metric, in the order given.

    One cell is certainly better than another if its whole interval lies on the better side of
    the other's. A cell's first possible place comes right after all cells that are certainly
    better; its last comes right before all that are certainly worse. A value without an interval
    is certainly better or worse than no other.
    """
    spans = [_span(one) for one in estimates]
    lows, highs = sorted(low for low, _ in spans), sorted(high for _, high in spans)
    return [Standing(1 + bisect_left(highs, low), bisect_right(lows, high)) for low, high in spans]


def pareto_front(rows: Sequence[Sequence[Estimate]]) -> list[bool]:
    """For each row, whether it is on the Pareto front. All rows list the same metrics in order.

    A row beats another if it is certainly better in some metric and worse in none. A row that no
    other row beats is on the front. As in a ranking, an estimate is certainly better if its whole
    interval is better. It is worse if the other is certainly better; without intervals, if its
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
    """The estimate; if it has no interval, its value serves as both bounds."""
    known = estimate.low is not None and estimate.high is not None
    return estimate if known else replace(estimate, low=estimate.value, high=estimate.value)


def _span(estimate: Estimate) -> tuple[float, float]:
    """The interval, negated if higher is better, so that less is better; else all numbers."""
    low = -math.inf if estimate.low is None else estimate.low
    high = math.inf if estimate.high is None else estimate.high
    return (low, high) if estimate.direction is Direction.LOWER else (-high, -low)
