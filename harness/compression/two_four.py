"""2:4: of each four neighbouring weights of a row, two become zero.

The pattern that NVIDIA's sparse tensor cores skip: on a GPU that has them products run in torch's
semi-structured kernels. A processor has none, and multiplies by the zeros: there it is the file
that gets smaller. Mishra et al. 2021 (arXiv 2104.08378).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from harness.compression import Compression, Stage, register
from harness.compression.formats import calibration
from harness.domain.entry import Options

if TYPE_CHECKING:
    from harness.model.transformer import Transformer
    from harness.quality.text import Text


@register("2:4", "two of each four weights become zero; skipped by GPUs with units for it")
class TwoFour(Compression):
    """Semi-structured pruning."""

    class Options(Options):
        """Which two."""

        score: Literal["magnitude", "wanda"] = Field(
            "magnitude", description="by the weight alone, or times its input's magnitude"
        )
        sequences: int = Field(16, ge=1, le=10_000, description="sequences that wanda reads")

    stage = Stage.SPARSITY

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model with zeros in it; layers whose inputs are no multiple of four stay."""
        from harness.model.observe import observe
        from harness.model.pruning import body_linears, two_of_four, zero

        linears = {
            path: layer for path, layer in body_linears(model).items() if layer.in_features % 4 == 0
        }
        seen = (
            observe(model, calibration(model, text, self.options.sequences))
            if self.options.score == "wanda"
            else {}
        )
        masks = {}
        for path, layer in linears.items():
            scores = layer.weight.detach().abs()
            if path in seen:
                scores = scores * seen[path].magnitudes
            masks[path] = two_of_four(scores)
        zero(linears, masks)
        return model
