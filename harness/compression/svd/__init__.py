"""svd: each matrix becomes the product of two thin ones.

The nearest of its rank in the sum of squares. Where two thin ones would hold as many numbers as
the whole, the layer stays. Embeddings and the output head stay. Eckart and Young 1936; Denton et
al. 2014 (arXiv 1404.0736).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from harness.compression import Compression, Stage, register
from harness.domain.entry import Options

if TYPE_CHECKING:
    from harness.model.transformer import Transformer
    from harness.quality.text import Text


@register("svd", "each matrix becomes the product of two thin ones")
class Svd(Compression):
    """Low rank, by a share of the rank or of the energy."""

    class Options(Options):
        """How much stays: one of two measures."""

        rank: float = Field(
            0.0, ge=0, le=1, description="share of the full rank that stays; 0 goes by energy"
        )
        energy: float = Field(
            0.9, gt=0, le=1, description="share of the sum of squares that stays, unless by rank"
        )
        whole: bool = Field(
            False, description="split also layers whose thin matrices hold no fewer numbers"
        )

    stage = Stage.RANK
    layers = ("harness.compression.svd.layer:LowRankLinear",)

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model with its matrices split."""
        import torch

        from harness.compression.svd.layer import LowRankLinear
        from harness.model.packed import put
        from harness.model.pruning import row_wise

        for path, layer in row_wise(model).items():
            full = min(layer.weight.shape)
            if self.options.rank:
                rank = max(1, round(self.options.rank * full))
            else:
                squares = torch.linalg.svdvals(layer.weight.detach()).square().cumsum(0)
                enough = squares >= self.options.energy * squares[-1]
                rank = int(enough.int().argmax()) + 1
            thin = rank * (layer.in_features + layer.out_features)
            if thin < layer.weight.numel() or self.options.whole:
                put(model, path, LowRankLinear.of(layer, rank))
        return model
