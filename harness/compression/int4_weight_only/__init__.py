"""int4-weight-only: weights in four bits, with a scale for each group of inputs.

torch's packed kernel converts weights back as it multiplies; activations do not change. On CPU this
conversion limits the speed, not memory, as the MBU shows, so int4 may be slower than int8. Weights
are rounded to nearest, so the loss is that of the format. Methods that search for better roundings
lose less (e.g. Frantar et al. 2022, arXiv 2210.17323).

Layers whose inputs are not a multiple of the group do not change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from harness.compression import Compression, Stage, register
from harness.compression.formats import on_cpu
from harness.domain.cell import Cell
from harness.domain.entry import Options
from harness.domain.run import Host

if TYPE_CHECKING:
    from harness.model.transformer import Transformer
    from harness.quality.text import Text


@register("int4-weight-only", "int4 weights in groups, converted back inside the kernel, on CPU")
class Int4WeightOnly(Compression):
    """torch's packed int4 kernel for CPU."""

    class Options(Options):
        """How weights map to sixteen integers."""

        group: Literal[32, 64, 128, 256] = Field(
            64, description="inputs that share a scale; larger groups are smaller and less exact"
        )
        symmetric: bool = Field(False, description="a range of weights centred on zero")

    stage = Stage.FORMAT
    differentiable = False
    any_module = True
    layers = ("harness.compression.int4_weight_only.layer:Int4WeightOnlyLinear",)

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """Supported on CPU only."""
        return on_cpu(self.name, cell) or super().unsupported(cell, host)

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model with int4 Linear layers and output head."""
        from harness.compression.int4_weight_only.layer import Int4WeightOnlyLinear
        from harness.model.packed import replace_linears

        group, symmetric = self.options.group, self.options.symmetric
        replace_linears(
            model,
            lambda _, layer: (
                None
                if layer.in_features % group
                else Int4WeightOnlyLinear.of(layer, group, is_symmetric=symmetric)
            ),
        )
        return model
