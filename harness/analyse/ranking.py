"""Ranks that cells share when the data cannot tell them apart."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

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
    its last is one before all that are certainly worse. A value without an interval counts as
    a point.
    """
    spans = [_span(one) for one in estimates]
    lows, highs = sorted(low for low, _ in spans), sorted(high for _, high in spans)
    return [Rank(1 + bisect_left(highs, low), bisect_right(lows, high)) for low, high in spans]


def _span(estimate: Estimate) -> tuple[float, float]:
    """The interval, turned so that less is better."""
    low = estimate.value if estimate.low is None else estimate.low
    high = estimate.value if estimate.high is None else estimate.high
    return (low, high) if estimate.direction is Direction.LOWER else (-high, -low)
