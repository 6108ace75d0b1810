"""Bytes of gradients on the fullest process."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("rank_gradients", "bytes of gradients on the fullest process")
class RankGradients(Metric):
    """When the optimizer steps."""

    unit = "B"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the processes reported it."""
        return one.facts.get("rank_gradients")
