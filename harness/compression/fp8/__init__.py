"""fp8: weights and activations in 8-bit floating point (e4m3), on GPUs that multiply fp8.

Weights have one scale per layer, activations one per batch. Micikevicius et al. 2022
(arXiv 2209.05433).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import hardware
from harness.compression import Compression, Stage, register
from harness.domain.cell import Cell
from harness.domain.run import Host
from harness.errors import Unsupported

if TYPE_CHECKING:
    from harness.model.transformer import Transformer
    from harness.quality.text import Text

_FIRST = (8, 9)  # compute capability: Ada
_MULTIPLE = 16  # the kernel takes matrices whose sides are multiples of it


@register("fp8", "fp8 weights and activations, on GPUs that multiply fp8")
class Fp8(Compression):
    """torch's scaled matrix product."""

    stage = Stage.FORMAT
    differentiable = False
    computes = "fp8"
    any_module = True
    layers = ("harness.compression.fp8.layer:Fp8Linear",)

    @classmethod
    def unavailable(cls, host: Host) -> str | None:
        """Unavailable without a GPU: no processor multiplies fp8."""
        return None if host.gpus else "fp8 needs a GPU of compute capability 8.9; there is none"

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """Unsupported in cells that run on the processor."""
        if hardware.registry.of(cell.hardware).kind != "cuda":
            return "fp8 needs a GPU of compute capability 8.9; this cell runs on the CPU"
        return super().unsupported(cell, host)

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model with fp8 Linear layers, where the kernel takes the sides."""
        import torch

        from harness.compression.fp8.layer import Fp8Linear
        from harness.model.packed import replace_linears

        device = next(model.parameters()).device
        if device.type != "cuda" or torch.cuda.get_device_capability(device) < _FIRST:
            raise Unsupported("fp8 needs a GPU of compute capability 8.9 or more")
        replace_linears(
            model,
            lambda _, layer: (
                None
                if layer.in_features % _MULTIPLE or layer.out_features % _MULTIPLE
                else Fp8Linear.of(layer)
            ),
        )
        return model
