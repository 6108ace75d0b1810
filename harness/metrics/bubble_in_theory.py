"""Share of its time that a pipeline of equal stages waits."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("bubble_in_theory", "share of its time that a pipeline of equal stages waits")
class BubbleInTheory(Metric):
    """By the formula of the schedule; see harness/parallelism/pipeline/group.py."""

    unit = "1"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the processes reported it."""
        return one.facts.get("bubble_in_theory")
