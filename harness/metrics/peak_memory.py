"""Peak memory of the measured phase."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("peak_memory", "peak resident memory while measuring")
class PeakMemory(Metric):
    """The most bytes resident in all processes of the round; on a GPU, reserved there by torch."""

    unit = "B"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the process reported it."""
        return one.facts.get("peak_memory")
