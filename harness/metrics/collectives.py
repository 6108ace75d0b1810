"""Collectives and messages of a process in an iteration."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("collectives", "collectives and messages of a process in an iteration")
class Collectives(Metric):
    """Counted on rank 0."""

    unit = "1"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the processes reported it."""
        return one.facts.get("collectives")
