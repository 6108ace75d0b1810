"""Time until all processes have met."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("launch_time", "time until all processes have met")
class LaunchTime(Metric):
    """From the round's start to a group of all ranks; no part of any other time."""

    unit = "s"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the processes reported it."""
        return one.facts.get("launch_time")
