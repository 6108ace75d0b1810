"""Peak resident memory of the fullest process."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("rank_memory", "peak resident memory of the fullest process")
class RankMemory(Metric):
    """The most bytes resident in one process of the round; on a GPU, reserved there by torch."""

    unit = "B"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the processes reported it."""
        return one.facts.get("rank_peak_memory")
