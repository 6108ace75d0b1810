"""tie: the output head and the token embedding become one matrix, their mean.

Fewer parameters, a smaller file, the same work. Press and Wolf 2017 (arXiv 1608.05859) tie from the
start; a model that was trained untied loses quality.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.compression import Compression, Stage, register
from harness.domain.cell import Cell
from harness.domain.run import Host

if TYPE_CHECKING:
    from harness.model.transformer import Transformer
    from harness.quality.text import Text


@register("tie", "the output head and the token embedding become one matrix")
class Tie(Compression):
    """Weight sharing between the two vocabulary matrices."""

    stage = Stage.STRUCTURE

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """Unsupported for a model that is already tied."""
        if dict(cell.model.options).get("tied", True):
            return "tie needs a model with a separate head: {name: ..., tied: false}"
        return super().unsupported(cell, host)

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The tied model."""
        import torch

        with torch.no_grad():
            model.wte.weight.add_(model.head.weight).div_(2)
        model.head.weight = model.wte.weight
        model.shape = model.shape.model_copy(update={"tied": True})
        return model
