"""Two cells against each other."""

from __future__ import annotations

import math

from harness.domain.metric import Direction, Estimate


def speedup(baseline: Estimate, cell: Estimate) -> Estimate | None:
    """How many times as good as the baseline the cell is, with a 95% interval.

    The ratio of the medians, turned so that more is better whatever the metric's direction.
    The interval adds both relative half-widths in quadrature on the logarithm (the delta
    method; Casella and Berger, Statistical Inference, 5.5.4), as the two were measured
    independently. Without an interval on both sides there is none. None for values that have
    no ratio.
    """
    if not (cell.value > 0 and baseline.value > 0):
        return None
    if baseline.direction is Direction.LOWER:
        ratio = baseline.value / cell.value
    else:
        ratio = cell.value / baseline.value
    widths = (_log_half_width(baseline), _log_half_width(cell))
    if widths[0] is None or widths[1] is None:
        low = high = None
    else:
        half = math.hypot(widths[0], widths[1])
        low, high = ratio * math.exp(-half), ratio * math.exp(half)
    rounds = min(baseline.rounds, cell.rounds)
    samples = min(baseline.samples, cell.samples)
    return Estimate(ratio, low, high, "1", Direction.HIGHER, rounds, samples)


def _log_half_width(estimate: Estimate) -> float | None:
    if estimate.low is None or estimate.high is None:
        return None
    return (estimate.high - estimate.low) / 2 / estimate.value
