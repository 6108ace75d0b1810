"""Excess bits per byte: what the model needs beyond the language itself."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Score
from harness.metrics import register
from harness.metrics.documents import DocumentMetric


@register("excess_bits_per_byte", "bits per byte above the entropy of the language")
class ExcessBitsPerByte(DocumentMetric):
    """Of the generated language alone, whose own bits are known exactly: 0 is the best there is."""

    unit = "bit/B"
    direction = Direction.LOWER

    def parts(self, score: Score) -> tuple[float, float] | None:
        """Bits beyond the floor over bytes; None of a text whose floor nobody knows."""
        if score.floor_bits is None:
            return None
        return score.bits - score.floor_bits, score.bytes
