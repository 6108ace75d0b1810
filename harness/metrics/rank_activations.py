"""Bytes kept for the backward pass on the fullest process."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("rank_activations", "bytes kept for the backward pass on the fullest process")
class RankActivations(Metric):
    """The most that the graph kept at once; parameters not."""

    unit = "B"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the processes reported it."""
        return one.facts.get("rank_activations")
