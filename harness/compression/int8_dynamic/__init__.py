"""int8-dynamic: int8 weights; activations are quantised at run time.

Every Linear layer, the output head included, multiplies in int8 kernels (torch's x86 engine: FBGEMM
or oneDNN). Activations are quantised per tensor, by the range of the current batch. Embeddings,
norms and everything else stay in fp32.
Jacob et al. 2018 (arXiv 1712.05877).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from harness.compression import Compression, Stage, register
from harness.compression.formats import on_cpu_in_fp32
from harness.domain.cell import Cell
from harness.domain.entry import Options
from harness.domain.run import Host
from harness.errors import Unsupported

if TYPE_CHECKING:
    from harness.model.transformer import Transformer
    from harness.quality.text import Text


@register("int8-dynamic", "int8 Linear layers in real int8 kernels, on CPU")
class Int8Dynamic(Compression):
    """Dynamic quantisation."""

    class Options(Options):
        """How weights map to integers."""

        per_channel: bool = Field(True, description="one scale per output channel")
        symmetric: bool = Field(True, description="a range of weights centred on zero")

    stage = Stage.FORMAT
    rounds = True
    differentiable = False
    computes = "int8"
    any_module = True
    layers = ("harness.compression.int8_dynamic.layer:Int8DynamicLinear",)

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """Supported on CPU and in fp32 only, as torch's kernels are."""
        return on_cpu_in_fp32(self.name, cell) or super().unsupported(cell, host)

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model with int8 Linear layers."""
        import torch

        from harness.compression.int8_dynamic.layer import Int8DynamicLinear
        from harness.model.packed import replace_linears

        if torch.backends.quantized.engine == "none":
            raise Unsupported("this build of torch has no int8 engine for this processor")
        options = self.options
        replace_linears(
            model,
            lambda _, layer: Int8DynamicLinear.of(
                layer, by_channel=options.per_channel, is_symmetric=options.symmetric
            ),
        )
        return model
