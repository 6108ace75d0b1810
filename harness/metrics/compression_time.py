"""Compression time: what making the smaller model takes, once."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("compression_time", "time to compress the model, calibration and training included")
class CompressionTime(Metric):
    """Seconds of all the composition's compressions, from the dense model in memory."""

    unit = "s"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the process reported it."""
        return one.facts.get("compression_time")
