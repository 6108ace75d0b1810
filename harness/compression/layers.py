"""layers: the layers that turn the residual stream least are taken out.

By 1 - cos(in, out), seen on some text. Time, memory and file shrink alike. Men et al. 2024
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


@register("layers", "the layers that change least are taken out")
class Layers(Compression):
    """Structured pruning of depth."""

    class Options(Options):
        """How many, and seen on how much."""

        fraction: float = Field(0.25, ge=0, lt=1, description="share of the layers to take out")
        sequences: int = Field(16, ge=1, le=10_000, description="sequences read to see changes")

    stage = Stage.STRUCTURE
    decoders = True

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model with fewer layers, at least one."""
        from harness.model.observe import influences
        from harness.model.pruning import keep_blocks

        turns = influences(model, calibration(model, text, self.options.sequences))
        count = min(round(self.options.fraction * len(turns)), len(turns) - 1)
        least = sorted(range(len(turns)), key=turns.__getitem__)[:count]
        keep_blocks(model, [place for place in range(len(turns)) if place not in least])
        return model
