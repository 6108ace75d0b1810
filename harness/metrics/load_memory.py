"""Peak memory of the load phase."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("load_memory", "peak resident memory while loading")
class LoadMemory(Metric):
    """The most bytes resident in all processes of the round; on a GPU, reserved there by torch."""

    unit = "B"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the process reported it."""
        return one.facts.get("load_memory")
