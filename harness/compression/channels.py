"""channels: removes the feed-forward channels that contribute least.

A channel's score is the sum of squares of its contribution to the residual stream, measured on some
text. The matrices get smaller. Li et al. 2016 (arXiv 1608.08710); McCarley et al. 2019 (arXiv
1910.06360).
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


@register("channels", "removes the feed-forward channels that contribute least")
class Channels(Compression):
    """Structured pruning of feed-forward layers."""

    class Options(Options):
        """How many channels, chosen among which."""

        fraction: float = Field(0.25, ge=0, lt=1, description="share of the channels to remove")
        scope: Literal["layer", "global"] = Field(
            "layer", description="rank channels within each layer, or across all layers"
        )
        multiple: int = Field(
            16, ge=1, le=1024, description="a layer keeps a multiple of this, for efficient kernels"
        )
        sequences: int = Field(16, ge=1, le=10_000, description="calibration sequences")

    stage = Stage.STRUCTURE
    decoders = True

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model with narrower feed-forward layers."""
        from harness.model.observe import observe
        from harness.model.pruning import blocks_by_path, keep_channels, lowest

        blocks = blocks_by_path(model)
        seen = observe(model, calibration(model, text, self.options.sequences))
        scores = {
            path: seen[f"{path}.down"].squares * block.down.weight.detach().float().square().sum(0)
            for path, block in blocks.items()
        }
        overall = self.options.scope == "global"
        for path, mask in lowest(scores, self.options.fraction, overall=overall).items():
            multiple = self.options.multiple
            count = max(multiple, round(int((~mask).sum()) / multiple) * multiple)
            count = min(count, len(mask))
            kept = scores[path].topk(count).indices.sort().values
            keep_channels(blocks[path], kept)
        return model
