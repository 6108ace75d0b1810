"""How far the output moved from the dense model's, and how well the model predicts text."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Score
from harness.metrics import FactMetric, Group, register
from harness.metrics.documents import DocumentMetric


@register("quality_loss", "bits per byte above the dense fp32 model")
class QualityLoss(DocumentMetric):
    """Compared with the dense fp32 model document by document, so shared difficulty cancels."""

    unit = "bit/B"
    direction = Direction.LOWER
    quality_column = 1
    show_column = 9

    def parts(self, score: Score) -> tuple[float, float] | None:
        """Bits minus the dense model's bits, over bytes."""
        return score.bits - score.dense_bits, score.bytes


@register("kl_divergence", "divergence of its predictions from the dense model's, per token")
class KlDivergence(DocumentMetric):
    """KL(dense || model) in bits, mean over tokens (Kullback and Leibler 1951)."""

    unit = "bit"
    direction = Direction.LOWER
    title = "KL divergence"
    quality_column = 3
    show_column = 10

    def parts(self, score: Score) -> tuple[float, float] | None:
        """Bits over tokens."""
        return score.divergence, score.tokens


@register("top1_agreement", "share of tokens on which it and the dense model agree")
class Top1Agreement(DocumentMetric):
    """The share of tokens for which both predict the same most likely next token."""

    unit = "1"
    direction = Direction.HIGHER
    title = "Top-1 agreement"
    printed_unit = "fraction"
    quality_column = 4

    def parts(self, score: Score) -> tuple[float, float] | None:
        """Agreeing tokens over tokens."""
        return score.agreed, score.tokens


@register("logit_error", "relative error of the logits against the dense fp32 model")
class LogitError(FactMetric):
    """The norm of the difference of logits over the norm of the dense fp32 model's logits."""

    unit = "1"
    printed_unit = "fraction"
    group = Group.QUALITY
    quality_column = 5
    show_column = 11


@register("excess_bits_per_byte", "bits per byte above the entropy of the language")
class ExcessBitsPerByte(DocumentMetric):
    """For the generated language only, whose entropy is known exactly; the optimum is 0."""

    unit = "bit/B"
    direction = Direction.LOWER
    title = "Excess bits/byte"
    quality_column = 2

    def parts(self, score: Score) -> tuple[float, float] | None:
        """Bits minus the floor, over bytes; None for text with an unknown floor."""
        if score.floor_bits is None:
            return None
        return score.bits - score.floor_bits, score.bytes


@register("bits_per_byte", "bits the model needs per byte of held-out text")
class BitsPerByte(DocumentMetric):
    """The sum over tokens of -log2 of the probability, over their bytes."""

    unit = "bit/B"
    direction = Direction.LOWER
    title = "Bits/byte"
    leaderboard = False

    def parts(self, score: Score) -> tuple[float, float] | None:
        """Bits over bytes."""
        return score.bits, score.bytes
