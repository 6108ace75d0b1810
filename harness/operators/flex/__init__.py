"""flex: torch's flex_attention, compiled for the causal mask.

A kernel that torch generates from the mask's own code, and that skips blocks no query sees. Time
O(T^2 d) for a prefill of T tokens and O(T d) for a decode step; memory O(T d), the KV cache.
Exact. The first use of a kind of pass compiles, for some ten seconds where nothing is cached:
that falls into what is read before the clock runs, or into the first sample, which always is
warm-up. Where torch cannot compile (no C++ compiler, say) the cell is `unsupported`. On a
processor torch has no backward pass for it. Dong et al. 2024 (arXiv 2412.05496).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import hardware
from harness.domain.cell import Cell
from harness.domain.run import Host
from harness.model.shape import Shape
from harness.operators import register
from harness.operators.sdpa import DotProductAttention

if TYPE_CHECKING:
    from harness.model.mixer import TokenMixer


@register("flex", "exact attention by torch's flex_attention, compiled")
class Flex(DotProductAttention):
    """What a generated kernel is worth beside the hand-written ones.

    Pairs count whole, as in all exact attention, though its kernel leaves out what it can.
    """

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """Attention by the compiled kernel."""
        from harness.model.attention import Attention
        from harness.operators.flex.attend import compiled_attention

        return Attention(shape, compiled_attention)

    def untrainable(self, cell: Cell, host: Host) -> str | None:
        """On anything but CUDA."""
        if hardware.registry.of(cell.hardware).kind == "cuda":
            return None
        return "torch's flex_attention has no backward pass on a processor"
