"""File bytes: what the model takes on disk."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("file_bytes", "bytes of the model's file on disk")
class FileBytes(Metric):
    """The size of the safetensors file that was written, and from which rounds load the model."""

    unit = "B"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the process reported it."""
        return one.facts.get("file_bytes")
