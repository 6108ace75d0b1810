"""share-layers: layers that follow each other become one, used several times.

Its numbers are their mean. Fewer parameters, as much work; without training after it quality
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


@register("share-layers", "layers that follow each other become one, used several times")
class ShareLayers(Compression):
    """Sharing across layers."""

    class Options(Options):
        """How many share."""

        group: int = Field(2, ge=2, le=1000, description="layers that become one")

    stage = Stage.STRUCTURE
    decoders = True
    alike = True

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model with shared layers."""
        from harness.model.pruning import share_blocks

        share_blocks(model, self.options.group)
        return model
