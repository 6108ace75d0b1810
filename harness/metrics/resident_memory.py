"""Resident memory: what the process holds once the model is loaded."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("resident_memory", "memory the process holds once the model is loaded")
class ResidentMemory(Metric):
    """Bytes resident after loading and before the first iteration, the runtime included."""

    unit = "B"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the process reported it."""
        return one.facts.get("held_memory")
