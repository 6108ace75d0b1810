"""Quality loss: what compression, precision and operator cost in bits per byte."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Score
from harness.metrics import register
from harness.metrics.documents import DocumentMetric


@register("quality_loss", "bits per byte above the dense fp32 model")
class QualityLoss(DocumentMetric):
    """Document by document against the dense fp32 model, so that what is hard for both cancels."""

    unit = "bit/B"
    direction = Direction.LOWER

    def parts(self, score: Score) -> tuple[float, float] | None:
        """Bits beyond the dense model's over bytes."""
        return score.bits - score.dense_bits, score.bytes
