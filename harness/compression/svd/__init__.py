"""svd: replaces each matrix by the product of two thin matrices.

The product is the nearest matrix of its rank in the sum of squares. A layer does not change if the
thin matrices would hold as many numbers; nor do embeddings and the output head. Eckart and Young
1936; Denton et al. 2014 (arXiv 1404.0736).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from harness.compression import Compression, Stage, register
from harness.domain.entry import Options

if TYPE_CHECKING:
    from harness.model.transformer import Transformer
    from harness.quality.text import Text


@register("svd", "replaces each matrix by the product of two thin matrices")
class Svd(Compression):
    """Low-rank factorisation, by a share of the rank or of the energy."""

    class Options(Options):
        """How much is kept, by one of two measures."""

        rank: float = Field(
            0.0, ge=0, le=1, description="share of the full rank to keep; 0 to go by energy"
        )
        energy: float = Field(
            0.9, gt=0, le=1, description="share of the sum of squares to keep, if `rank` is 0"
        )
        whole: bool = Field(
            False, description="also factorise layers whose thin matrices hold no fewer numbers"
        )

    stage = Stage.RANK
    layers = ("harness.compression.svd.layer:LowRankLinear",)

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model with factorised matrices."""
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
