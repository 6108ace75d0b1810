"""layers: removes the layers that change the residual stream least.

A layer's change is 1 - cos(in, out), measured on some text. Time, memory and file size shrink in
proportion. Men et al. 2024
(arXiv 2403.03853).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from harness.compression import Compression, Stage, register
from harness.compression.formats import calibration
from harness.domain.entry import Options

if TYPE_CHECKING:
    from harness.model.transformer import Transformer
    from harness.quality.text import Text


@register("layers", "removes the layers that change the residual stream least")
class Layers(Compression):
    """Structured pruning of depth."""

    class Options(Options):
        """How many layers, and how much text to calibrate on."""

        fraction: float = Field(0.25, ge=0, lt=1, description="share of the layers to remove")
        sequences: int = Field(16, ge=1, le=10_000, description="calibration sequences")

    stage = Stage.STRUCTURE
    decoders = True

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model with fewer layers, at least one."""
        from harness.model.observe import influences
        from harness.model.pruning import keep_blocks

        changes = influences(model, calibration(model, text, self.options.sequences))
        count = min(round(self.options.fraction * len(changes)), len(changes) - 1)
        least = sorted(range(len(changes)), key=changes.__getitem__)[:count]
        keep_blocks(model, [place for place in range(len(changes)) if place not in least])
        return model
