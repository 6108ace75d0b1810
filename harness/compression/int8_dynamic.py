"""int8-dynamic: weights in int8, activations quantised as they come.

Every Linear layer, the output head included, becomes one whose product runs in int8 kernels
(torch's x86 engine: FBGEMM or oneDNN). Weights are quantised per output channel, symmetric;
activations per tensor, with the range of the batch at hand. Embeddings stay as they are.
Jacob et al. 2018 (arXiv 1712.05877).
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from harness.compression import Compression, register
from harness.domain.cell import Cell
from harness.domain.run import Host
from harness.errors import Unsupported

if TYPE_CHECKING:
    from harness.model.transformer import Transformer


@register("int8-dynamic", "int8 Linear layers with real int8 kernels, on CPU")
class Int8Dynamic(Compression):
    """torch's dynamic quantisation, one scale an output channel."""

    differentiable = False
    computes = "int8"

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """On CPU, from fp32 only: that is what torch's kernels take."""
        if cell.hardware.name == "cuda":
            return "int8-dynamic has kernels for CPU only"
        if cell.precision.name != "fp32":
            return f"int8-dynamic kernels take fp32 activations, not {cell.precision.name}"
        return None

    def apply(self, model: Transformer) -> Transformer:
        """The model with its Linear layers replaced."""
        import torch
        from torch import nn
        from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic

        if torch.backends.quantized.engine == "none":
            raise Unsupported("this build of torch has no int8 engine for this processor")
        with warnings.catch_warnings():
            # torch's own successor, torchao, is far slower for a batch of one on CPU.
            warnings.filterwarnings("ignore", "torch.ao.quantization is deprecated")
            warnings.filterwarnings("ignore", "torch.quantize_per_tensor, .* are deprecated")
            compressed: Transformer = quantize_dynamic(
                model, {nn.Linear: per_channel_dynamic_qconfig}, inplace=True
            )
        return compressed
