"""wanda: sets the weights that affect the output least to zero.

A weight's score is its magnitude times the root mean square of its input, measured on some text.
The lowest scores of each row are pruned. Sun et al. 2023 (arXiv 2306.11695).
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


@register("wanda", "sets the weights that affect the output least to zero")
class Wanda(Compression):
    """Unstructured pruning by weights and activations."""

    class Options(Options):
        """How many weights, and how much text to calibrate on."""

        fraction: float = Field(0.5, ge=0, lt=1, description="share of each row to set to zero")
        sequences: int = Field(16, ge=1, le=10_000, description="calibration sequences")

    stage = Stage.SPARSITY
    any_module = True

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model with pruned weights."""
        from harness.model.observe import observe
        from harness.model.pruning import body_linears, lowest, zero

        linears = body_linears(model)
        seen = observe(model, calibration(model, text, self.options.sequences))
        for path, layer in linears.items():
            if path in seen:
                scores = layer.weight.detach().abs() * seen[path].magnitudes
                rows = {str(row): score for row, score in enumerate(scores)}
                masks = lowest(rows, self.options.fraction, overall=False)
                import torch

                zero({path: layer}, {path: torch.stack(list(masks.values()))})
        return model
