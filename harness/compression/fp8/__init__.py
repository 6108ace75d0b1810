"""fp8: weights and activations in 8-bit floating point (e4m3), on GPUs that multiply in it.

One scale a layer for weights, one a batch for activations. Micikevicius et al. 2022
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
_MULTIPLE = 16  # of the sides of matrices the kernel takes


@register("fp8", "fp8 weights and activations, on GPUs with units for it")
class Fp8(Compression):
    """torch's scaled product."""

    stage = Stage.FORMAT
    differentiable = False
    computes = "fp8"
    any_module = True
    layers = ("harness.compression.fp8.layer:Fp8Linear",)

    @classmethod
    def unavailable(cls, host: Host) -> str | None:
        """No processor has units for it."""
        return None if host.gpus else "fp8 needs a GPU of compute capability 8.9; there is none"

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """Nor does another cell's GPU help."""
        if hardware.registry.of(cell.hardware).kind != "cuda":
            return "fp8 needs a GPU that multiplies in it (compute capability 8.9); this is a CPU"
        return super().unsupported(cell, host)

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model with those of its Linear layers replaced whose sides the kernel takes."""
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
