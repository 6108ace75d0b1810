"""sdpa: torch's fused attention, which never writes the T x T scores to memory.

Time O(T^2 d) for a prefill of T tokens and O(T d) for a decode step; memory O(T d), the KV
cache. Exact. Dao et al. 2022 (arXiv 2205.14135), Dao 2023 (arXiv 2307.08691).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model.shape import Shape
from harness.operators import Operator, register

if TYPE_CHECKING:
    from harness.model.mixer import TokenMixer


class DotProductAttention(Operator):
    """The cost of exact softmax attention, however it is computed."""

    gpt2_layout = True

    def parameters(self, shape: Shape, layer: int) -> int:
        """Query, key, value and output projections with biases: 4 D^2 + 4 D."""
        return 4 * shape.d_model**2 + 4 * shape.d_model

    def flops(self, shape: Shape, layer: int, batch: int, new: int, past: int) -> int:
        """Projections: 8 D^2 per token. Scores and weighted sum of values: 4 D per pair.

        All new x (past + new) pairs count, although causal attention needs about half of them in a
        prefill. torch's counter and published MFU figures count them too (PaLM, arXiv 2204.02311,
        App. B).
        """
        projections = 8 * shape.d_model**2 * new
        pairs = 4 * shape.d_model * new * (past + new)
        return batch * (projections + pairs)

    def state_bytes(
        self, shape: Shape, layer: int, batch: int, capacity: int, element: float
    ) -> float:
        """A key and a value of width D for each token."""
        return 2 * batch * capacity * shape.d_model * element

    def exact(self, shape: Shape, length: int) -> bool:
        """Always true."""
        return True


@register("sdpa", "exact attention by torch's fused kernels")
class Sdpa(DotProductAttention):
    """torch.nn.functional.scaled_dot_product_attention."""

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """Attention in the fused kernel."""
        from harness.model.attention import Attention, fused_attention

        return Attention(shape, fused_attention)

    def unmasked(self, shape: Shape, layer: int) -> TokenMixer:
        """The same attention without a mask."""
        from harness.model.attention import Attention, attend_to_all

        return Attention(shape, attend_to_all)
