"""Peak allocated: GPU memory of the measured phase, as torch's allocator counts it."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("peak_allocated", "peak GPU memory in tensors while measuring")
class PeakAllocated(Metric):
    """The most bytes that tensors took on the GPUs, each at its fullest."""

    unit = "B"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the process reported it; only on a GPU."""
        return one.facts.get("peak_allocated")
