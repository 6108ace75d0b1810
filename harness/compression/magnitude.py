"""magnitude: sets the smallest weights to zero.

Zeros may stand anywhere, so the file gets smaller but no dense kernel gets faster. Biases,
embeddings, norms and the output head do not change. Han et al. 2015 (arXiv 1506.02626).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from harness.compression import Compression, Stage, register
from harness.domain.entry import Options

if TYPE_CHECKING:
    from harness.model.transformer import Transformer
    from harness.quality.text import Text


@register("magnitude", "sets the smallest weights to zero")
class Magnitude(Compression):
    """Unstructured pruning."""

    class Options(Options):
        """How many weights, chosen among which."""

        fraction: float = Field(0.5, ge=0, lt=1, description="share of the weights to set to zero")
        scope: Literal["layer", "global"] = Field(
            "layer", description="rank weights within each layer, or across all layers"
        )

    stage = Stage.SPARSITY
    any_module = True

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model with pruned weights."""
        from harness.model.pruning import body_linears, lowest, zero

        linears = body_linears(model)
        scores = {path: layer.weight.detach().abs() for path, layer in linears.items()}
        overall = self.options.scope == "global"
        zero(linears, lowest(scores, self.options.fraction, overall=overall))
        return model
