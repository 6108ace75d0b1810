"""Bytes a process hands to others in an iteration."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("sent_bytes", "bytes a process hands to others in an iteration")
class SentBytes(Metric):
    """Counted at each collective and message of rank 0, by what the algorithm asks for."""

    unit = "B"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the processes reported it."""
        return one.facts.get("sent_bytes")
