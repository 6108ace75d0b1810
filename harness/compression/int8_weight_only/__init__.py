"""int8-weight-only: weights in int8, converted back inside the kernel; activations do not change.

Weights are symmetric, with one scale per output channel. Decode, limited by reading weights, reads
a quarter of fp32's bytes. Prefill, limited by arithmetic, gains nothing. Embeddings, norms and all
activations keep the cell's precision. Dettmers et al. 2022 (arXiv 2208.07339) on the limits of
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


@register("int8-weight-only", "int8 weights, converted back inside the kernel, on CPU")
class Int8WeightOnly(Compression):
    """torch's packed int8 kernel."""

    stage = Stage.FORMAT
    rounds = True
    differentiable = False
    any_module = True
    layers = ("harness.compression.int8_weight_only.layer:Int8WeightOnlyLinear",)

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """Supported on CPU only."""
        return on_cpu(self.name, cell) or super().unsupported(cell, host)

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model with int8 Linear layers and output head."""
        from harness.compression.int8_weight_only.layer import Int8WeightOnlyLinear
        from harness.model.packed import replace_linears

        replace_linears(model, lambda _, layer: Int8WeightOnlyLinear.of(layer))
        return model
