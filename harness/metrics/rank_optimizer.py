"""Bytes of optimizer state on the fullest process."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("rank_optimizer", "bytes of optimizer state on the fullest process")
class RankOptimizer(Metric):
    """Of AdamW, two moments of each parameter."""

    unit = "B"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the processes reported it."""
        return one.facts.get("rank_optimizer")
