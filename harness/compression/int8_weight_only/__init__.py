"""int8-weight-only: weights in int8, widened inside the kernel; activations stay as they are.

Symmetric, one scale an output channel. Decode is bound by reading weights, and reads a quarter
of the bytes of fp32; prefill, bound by arithmetic, gains nothing. Keeps: embeddings, norms and all
activations in the cell's precision. Dettmers et al. 2022 (arXiv 2208.07339) for the limits of
8 bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.compression import Compression, Stage, register
from harness.compression.formats import on_cpu
from harness.domain.cell import Cell
from harness.domain.run import Host

if TYPE_CHECKING:
    from harness.model.transformer import Transformer
    from harness.quality.text import Text


@register("int8-weight-only", "int8 weights, widened inside the kernel, on CPU")
class Int8WeightOnly(Compression):
    """torch's packed int8 kernel."""

    stage = Stage.FORMAT
    rounds = True
    differentiable = False
    any_module = True
    layers = ("harness.compression.int8_weight_only.layer:Int8WeightOnlyLinear",)

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """On CPU."""
        return on_cpu(self.name, cell) or super().unsupported(cell, host)

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model with its Linear layers, the output head included, replaced."""
        from harness.compression.int8_weight_only.layer import Int8WeightOnlyLinear
        from harness.model.packed import replace_linears

        replace_linears(model, lambda _, layer: Int8WeightOnlyLinear.of(layer))
        return model
