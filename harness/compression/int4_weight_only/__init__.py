"""int4-weight-only: weights in four bits, a scale for each group of inputs.

Widened inside torch's packed kernel; activations stay as they are. On CPU that widening, and not
memory, binds it, as the MBU of its results shows: it need not be faster than int8. Round to
nearest, so that what it loses is the format's, not a search's (Frantar et al. 2022, for one,
arXiv 2210.17323, search for less).
Layers whose inputs no group divides keep their precision.
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


@register("int4-weight-only", "int4 weights in groups, widened inside the kernel, on CPU")
class Int4WeightOnly(Compression):
    """torch's packed int4 kernel for CPU."""

    class Options(Options):
        """How weights are mapped to sixteen integers."""

        group: Literal[32, 64, 128, 256] = Field(
            64, description="inputs that share a scale: more are smaller and less exact"
        )
        symmetric: bool = Field(False, description="zero in the middle of the range of weights")

    stage = Stage.FORMAT
    differentiable = False
    any_module = True
    layers = ("harness.compression.int4_weight_only.layer:Int4WeightOnlyLinear",)

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """On CPU."""
        return on_cpu(self.name, cell) or super().unsupported(cell, host)

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model with its Linear layers, the output head included, replaced."""
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
