"""Compare two cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analyse.interference import counted_rounds
from harness.analyse.pairing import Timed, pairs
from harness.analyse.stats import summarise
from harness.domain.metric import Direction, Estimate
from harness.domain.result import Result, Round

# With fewer pairs than this, the ratio of the two medians is more precise.
FEWEST_PAIRS = 3


@dataclass(frozen=True)
class Measured:
    """A cell's figure and the rounds it comes from."""

    estimate: Estimate
    rounds: Sequence[Timed] = ()


@dataclass(frozen=True)
class Speedup:
    """How many times better than the baseline a cell is; more is better, whatever the metric.

    `paired` is true if it compares rounds that ran close together, so that the machine's drift
    cancels.
    """

    estimate: Estimate
    paired: bool

    @property
    def differs(self) -> bool:
        """True if the data show a difference: the interval does not contain 1."""
        low, high = self.estimate.low, self.estimate.high
        return low is not None and high is not None and not low <= 1 <= high


def measured(estimate: Estimate, metric: str, rounds: Sequence[Round]) -> Measured:
    """A metric's estimate with the figures of those rounds that have the metric."""
    figures = [
        Timed(one.values[metric], one.started.timestamp())
        for one in counted_rounds(rounds)
        if one.started is not None and metric in one.values
    ]
    return Measured(estimate, figures)


def compared(result: Result, baseline: Result, metric: str) -> Speedup | None:
    """The speed-up in a metric; None if either result lacks it, or there is no ratio."""
    if metric not in result.metrics or metric not in baseline.metrics:
        return None
    ours, theirs = (measured(one.metrics[metric], metric, one.rounds) for one in (result, baseline))
    return speedup(ours, theirs)


def speedup(cell: Measured, baseline: Measured) -> Speedup | None:
    """The ratio, from pairs of rounds if there are FEWEST_PAIRS; None unless both are positive."""
    if not (cell.estimate.value > 0 and baseline.estimate.value > 0):
        return None
    paired = [pair for pair in pairs(cell.rounds, baseline.rounds) if min(pair) > 0]
    if len(paired) < FEWEST_PAIRS:
        return Speedup(_unpaired(cell.estimate, baseline.estimate), paired=False)
    higher = cell.estimate.direction is Direction.HIGHER
    ratios = [ours / theirs if higher else theirs / ours for ours, theirs in paired]
    value, low, high = summarise(ratios)
    return Speedup(_ratio(value, low, high, cell.estimate, len(ratios)), paired=True)


def _unpaired(cell: Estimate, baseline: Estimate) -> Estimate:
    """The ratio of the medians.

    The two were measured independently, so its interval adds both relative half-widths in
    quadrature on the logarithm (the delta method; Casella and Berger, Statistical Inference,
    5.5.4). If either side has no interval, neither does the ratio.
    """
    higher = cell.direction is Direction.HIGHER
    value = cell.value / baseline.value if higher else baseline.value / cell.value
    widths = (_log_half_width(baseline), _log_half_width(cell))
    rounds = min(baseline.rounds, cell.rounds)
    if widths[0] is None or widths[1] is None:
        return _ratio(value, None, None, cell, rounds)
    half = math.hypot(widths[0], widths[1])
    return _ratio(value, value * math.exp(-half), value * math.exp(half), cell, rounds)


def _ratio(
    value: float, low: float | None, high: float | None, cell: Estimate, rounds: int
) -> Estimate:
    return Estimate(value, low, high, "1", Direction.HIGHER, rounds, cell.samples)


def _log_half_width(estimate: Estimate) -> float | None:
    if estimate.low is None or estimate.high is None or estimate.low <= 0:
        return None
    return math.log(estimate.high / estimate.low) / 2
