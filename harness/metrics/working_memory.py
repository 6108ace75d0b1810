"""Working memory: what the work itself takes, beside the model and the libraries."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("working_memory", "peak memory while measuring, less what was held before")
class WorkingMemory(Metric):
    """Bytes: decode state, activations, gradients and optimizer state, at the highest."""

    unit = "B"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """From the peak of the measured phase and what was held as it began."""
        peak, before = one.facts.get("peak_memory"), one.facts.get("held_memory")
        return peak - before if peak is not None and before is not None else None
