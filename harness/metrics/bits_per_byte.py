"""Bits per byte: what the model needs to tell held-out text."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Score
from harness.metrics import register
from harness.metrics.documents import DocumentMetric


@register("bits_per_byte", "bits the model needs for a byte of held-out text")
class BitsPerByte(DocumentMetric):
    """Minus log2 of the probability of each token, summed, over the bytes they stand for."""

    unit = "bit/B"
    direction = Direction.LOWER

    def parts(self, score: Score) -> tuple[float, float] | None:
        """Bits over bytes."""
        return score.bits, score.bytes
