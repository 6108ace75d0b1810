"""flex: torch's flex_attention, compiled for the causal mask.

torch generates the kernel from the mask's code; it skips blocks that no query sees. Time O(T^2 d)
for a prefill of T tokens and O(T d) for a decode step; memory O(T d), the KV cache. Exact. The
first pass of each kind compiles, for about ten seconds if nothing is cached. That happens before
timing starts, or in the first sample, which is always warm-up. If torch cannot compile (e.g.
without a C++ compiler), the cell is `unsupported`. On CPU torch has no backward pass for it. Dong
et al. 2024 (arXiv 2412.05496).
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
    """A generated kernel, to compare with the hand-written kernels.

    FLOPs count all pairs, as in all exact attention, although the kernel skips blocks.
    """

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """Attention in the compiled kernel."""
        from harness.model.attention import Attention
        from harness.operators.flex.attend import compiled_attention

        return Attention(shape, compiled_attention)

    def untrainable(self, cell: Cell, host: Host) -> str | None:
        """Cannot be trained except on CUDA."""
        if hardware.registry.of(cell.hardware).kind == "cuda":
            return None
        return "torch's flex_attention has no backward pass on CPU"
