"""Cold load time: reading the model from the disk."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("cold_load_time", "time to load the model's file when no page of it is in memory")
class ColdLoadTime(Metric):
    """Seconds to read, unpack and place the model, the file's pages dropped from memory before."""

    unit = "s"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the process reported it."""
        return one.facts.get("cold_load_time")
