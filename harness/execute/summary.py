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
    told = [
        (value, metric.samples(one)) for one in rounds if (value := metric.value(one)) is not None
    ]
    if not told or (metric.every_round and len(told) < len(rounds)):
        return None
    values = [value for value, _ in told]
    samples = sum(number for _, number in told)
    value, low, high = summarise(values)
    return Estimate(value, low, high, metric.unit, metric.direction, len(values), samples)
