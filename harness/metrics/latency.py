"""Latency: the time of one whole iteration."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register
from harness.metrics.section import section_median


@register("latency", "time of one whole iteration")
class Latency(Metric):
    """Seconds from the first piece of work to the last."""

    unit = "s"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """The median over the round's samples."""
        return section_median(one, "latency")
