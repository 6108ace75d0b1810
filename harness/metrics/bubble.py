"""Share of a pipeline's time in which a process waits."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("bubble", "share of a pipeline's time in which a process waits")
class Bubble(Metric):
    """Of the schedule's time, what neither passes nor the loss took; the mean over processes."""

    unit = "1"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the processes reported it."""
        return one.facts.get("bubble")
