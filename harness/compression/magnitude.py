"""magnitude: the smallest weights become zero.

Wherever they stand, so that no dense kernel gets faster: the file does. Biases, embeddings, norms
and the output head stay. Han et al. 2015 (arXiv 1506.02626).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from harness.compression import Compression, Stage, register
from harness.domain.entry import Options

if TYPE_CHECKING:
    from harness.model.transformer import Transformer
    from harness.quality.text import Text


@register("magnitude", "the smallest weights become zero")
class Magnitude(Compression):
    """Unstructured pruning."""

    class Options(Options):
        """How many, and among which."""

        fraction: float = Field(0.5, ge=0, lt=1, description="share of the weights to take out")
        scope: Literal["layer", "global"] = Field(
            "layer", description="that share of each layer, or of all layers together"
        )

    stage = Stage.SPARSITY
    any_module = True

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model with zeros in it."""
        from harness.model.pruning import body_linears, lowest, zero

        linears = body_linears(model)
        scores = {path: layer.weight.detach().abs() for path, layer in linears.items()}
        overall = self.options.scope == "global"
        zero(linears, lowest(scores, self.options.fraction, overall=overall))
        return model
