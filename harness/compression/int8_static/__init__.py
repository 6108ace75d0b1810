"""int8-static: weights and activations in int8, their ranges seen beforehand.

The model reads some text first; the range of each layer's inputs then is fixed, so that nothing
is searched for while it runs. Inputs beyond the range are clipped. Weights are symmetric, one
scale an output channel; products run in oneDNN's int8 kernels. Keeps: what int8-dynamic keeps.
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


@register("int8-static", "int8 weights and activations, ranges calibrated beforehand, on CPU")
class Int8Static(Compression):
    """Static quantisation."""

    class Options(Options):
        """What it is calibrated on."""

        sequences: int = Field(16, ge=1, le=10_000, description="sequences read to see the ranges")

    stage = Stage.FORMAT
    rounds = True
    differentiable = False
    computes = "int8"
    any_module = True
    layers = ("harness.compression.int8_static.layer:Int8StaticLinear",)

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """On CPU, from fp32 only."""
        return on_cpu_in_fp32(self.name, cell) or super().unsupported(cell, host)

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model with its Linear layers replaced; one that read nothing stays as it is."""
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
