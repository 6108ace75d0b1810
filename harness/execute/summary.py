"""Metrics of a cell from its rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness import metrics
from harness.analyse.stats import summarise
from harness.domain.metric import Estimate
from harness.domain.result import Round
from harness.metrics import Metric


def estimates(rounds: Sequence[Round]) -> Mapping[str, Estimate]:
    """Every registered metric that the rounds carry, by name."""
    found = {entry.name: _estimate(entry(), rounds) for entry in metrics.registry.entries()}
    return {name: estimate for name, estimate in found.items() if estimate is not None}


def _estimate(metric: Metric, rounds: Sequence[Round]) -> Estimate | None:
    values = [value for one in rounds if (value := metric.value(one)) is not None]
    if not values:
        return None
    value, low, high = summarise(values)
    samples = sum(1 for one in rounds for sample in one.samples if not sample.warmup)
    return Estimate(value, low, high, metric.unit, metric.direction, len(values), samples)
