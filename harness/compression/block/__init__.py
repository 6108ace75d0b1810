"""block: of each matrix only the strongest blocks stay, and only they are read and multiplied.

Each row of blocks keeps as many, so that one batched product does them all: time and bytes go
with the density, at whatever fixed cost gathering the inputs has. Layers whose sides the blocks do
not divide stay whole, as do embeddings and the output head. Narang et al. 2017
(arXiv 1711.02782); balanced rows as in Cao et al. 2019 (doi 10.1145/3289602.3293898).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from harness.compression import Compression, Stage, register
from harness.domain.entry import Options
from harness.errors import Unsupported

if TYPE_CHECKING:
    from harness.model.transformer import Transformer
    from harness.quality.text import Text


@register("block", "of each matrix only the strongest blocks stay")
class Block(Compression):
    """Block-sparse layers."""

    class Options(Options):
        """How much stays, in blocks of what size."""

        density: float = Field(0.5, gt=0, le=1, description="share of the blocks that stays")
        rows: int = Field(64, ge=1, le=4096, description="outputs of a block")
        columns: int = Field(16, ge=1, le=4096, description="inputs of a block")

    stage = Stage.SPARSITY
    final = True
    layers = ("harness.compression.block.layer:BlockSparseLinear",)

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model with block-sparse layers."""
        from harness.compression.block.layer import BlockSparseLinear
        from harness.model.packed import put
        from harness.model.pruning import row_wise

        rows, columns = self.options.rows, self.options.columns
        linears = {
            path: layer
            for path, layer in row_wise(model).items()
            if layer.out_features % rows == 0 and layer.in_features % columns == 0
        }
        if not linears:
            raise Unsupported(f"blocks of {rows} x {columns} divide no layer of this model")
        made = {
            path: BlockSparseLinear.of(layer, rows, columns, self.options.density)
            for path, layer in linears.items()
        }
        for path, layer in made.items():
            put(model, path, layer)
        return model
