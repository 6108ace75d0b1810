"""Peak reserved: GPU memory of the measured phase, as torch's allocator counts it."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("peak_reserved", "peak GPU memory that torch held while measuring")
class PeakReserved(Metric):
    """The most bytes torch's allocator held of the GPUs, in tensors or for later ones."""

    unit = "B"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the process reported it; only on a GPU."""
        return one.facts.get("peak_reserved")
