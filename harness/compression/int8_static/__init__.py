"""int8-static: weights and activations in int8, with calibrated ranges.

The model first reads some text, which fixes the range of each layer's inputs, so that no range is
computed at run time. Inputs beyond the range are clipped. Weights are symmetric, with one scale per
output channel; products run in oneDNN's int8 kernels. All else stays in fp32, as in int8-dynamic.
Jacob et al. 2018 (arXiv 1712.05877), section 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from harness.compression import Compression, Stage, register
from harness.compression.formats import calibration, on_cpu_in_fp32
from harness.domain.cell import Cell
from harness.domain.entry import Options
from harness.domain.run import Host

if TYPE_CHECKING:
    from harness.model.transformer import Transformer
    from harness.quality.text import Text


@register("int8-static", "int8 weights and activations with calibrated ranges, on CPU")
class Int8Static(Compression):
    """Static quantisation."""

    class Options(Options):
        """How much text to calibrate on."""

        sequences: int = Field(16, ge=1, le=10_000, description="calibration sequences")

    stage = Stage.FORMAT
    rounds = True
    differentiable = False
    computes = "int8"
    any_module = True
    layers = ("harness.compression.int8_static.layer:Int8StaticLinear",)

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """Supported on CPU and in fp32 only."""
        return on_cpu_in_fp32(self.name, cell) or super().unsupported(cell, host)

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model with int8 Linear layers, except those that read nothing in calibration."""
        from harness.compression.int8_static.layer import Int8StaticLinear
        from harness.model.observe import observe
        from harness.model.packed import replace_linears

        seen = observe(model, calibration(model, text, self.options.sequences))
        replace_linears(
            model,
            lambda path, layer: (
                Int8StaticLinear.of(layer, seen[path].least, seen[path].most)
                if path in seen
                else None
            ),
        )
        return model
