"""Latency: the time of one whole iteration."""

from __future__ import annotations

from harness.metrics import register
from harness.metrics.section import SectionMetric


@register("latency", "time of one whole iteration")
class Latency(SectionMetric):
    """Seconds from the first piece of work to the last."""

    section = "latency"
