"""KL divergence: how far the model predicts otherwise than the dense one."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Score
from harness.metrics import register
from harness.metrics.documents import DocumentMetric


@register("kl_divergence", "divergence of its predictions from the dense model, per token")
class KlDivergence(DocumentMetric):
    """KL(dense || model) in bits, mean over tokens (Kullback and Leibler 1951)."""

    unit = "bit"
    direction = Direction.LOWER

    def parts(self, score: Score) -> tuple[float, float] | None:
        """Bits over tokens."""
        return score.divergence, score.tokens
