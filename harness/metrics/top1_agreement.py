"""Top-1 agreement: how often the model would say what the dense one says."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Score
from harness.metrics import register
from harness.metrics.documents import DocumentMetric


@register("top1_agreement", "share of tokens where it and the dense model agree")
class Top1Agreement(DocumentMetric):
    """Tokens whose likeliest successor is the same in both, over all tokens."""

    unit = "1"
    direction = Direction.HIGHER

    def parts(self, score: Score) -> tuple[float, float] | None:
        """Agreeing tokens over tokens."""
        return score.agreed, score.tokens
