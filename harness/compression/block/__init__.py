"""block: keeps only the strongest blocks of each matrix, and reads and multiplies only those.

Each row of blocks keeps equally many, so that one batched product computes them all. Time and bytes
are proportional to the density, plus a fixed cost to gather the inputs. Layers whose sides the
blocks do not divide do not change; nor do embeddings and the output head. Narang et al. 2017
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


@register("block", "keeps only the strongest blocks of each matrix")
class Block(Compression):
    """Block-sparse layers."""

    class Options(Options):
        """How much is kept, in blocks of what size."""

        density: float = Field(0.5, gt=0, le=1, description="share of the blocks to keep")
        rows: int = Field(64, ge=1, le=4096, description="outputs per block")
        columns: int = Field(16, ge=1, le=4096, description="inputs per block")

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
            raise Unsupported(f"no layer of this model divides into blocks of {rows} x {columns}")
        made = {
            path: BlockSparseLinear.of(layer, rows, columns, self.options.density)
            for path, layer in linears.items()
        }
        for path, layer in made.items():
            put(model, path, layer)
        return model
