"""share-layers: merges consecutive layers into one, which runs several times.

Its weights are their mean. Fewer parameters, the same work. Without training afterwards quality
suffers badly. Lan et al. 2019 (ALBERT, arXiv 1909.11942), who share from the start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from harness.compression import Compression, Stage, register
from harness.domain.entry import Options

if TYPE_CHECKING:
    from harness.model.transformer import Transformer
    from harness.quality.text import Text


@register("share-layers", "merges consecutive layers into one, which runs several times")
class ShareLayers(Compression):
    """Weight sharing across layers."""

    class Options(Options):
        """How many layers share weights."""

        group: int = Field(2, ge=2, le=1000, description="consecutive layers to merge into one")

    stage = Stage.STRUCTURE
    decoders = True
    alike = True

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model with shared layers."""
        from harness.model.pruning import share_blocks

        share_blocks(model, self.options.group)
        return model
