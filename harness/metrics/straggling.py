"""Share of the time that processes wait for the slowest."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("straggling", "share of the time that processes wait for the slowest")
class Straggling(Metric):
    """How much earlier than the slowest rank the others were ready, on average."""

    unit = "1"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the processes reported it."""
        return one.facts.get("straggling")
