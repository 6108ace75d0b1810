"""sdpa: torch's fused attention, which never writes the T x T scores to memory.

Time O(T^2 d) for a prefill of T tokens and O(T d) for a decode step; memory O(T d), the KV
cache. Exact. Dao et al. 2022 (arXiv 2205.14135), Dao 2023 (arXiv 2307.08691).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model.shape import Shape
from harness.operators import Operator, register

if TYPE_CHECKING:
    import torch

    from harness.model.mixer import TokenMixer


class DotProductAttention(Operator):
    """What exact softmax attention costs, however it is computed."""

    def parameters(self, shape: Shape) -> int:
        """Query, key, value and output projections with biases: 4 D^2 + 4 D."""
        return 4 * shape.d_model**2 + 4 * shape.d_model

    def flops(self, shape: Shape, batch: int, new: int, past: int) -> int:
        """Projections 8 D^2 a token; scores and their sum of values 4 D for each pair.

        Pairs are counted whole, new x (past + new), though causality needs half of the square:
        so does torch's counter, and so do published MFU figures (PaLM, arXiv 2204.02311, App. B).
        """
        projections = 8 * shape.d_model**2 * new
        pairs = 4 * shape.d_model * new * (past + new)
        return batch * (projections + pairs)

    def state_bytes(self, shape: Shape, batch: int, capacity: int, element: float) -> float:
        """A key and a value of width D for each token."""
        return 2 * batch * capacity * shape.d_model * element


@register("sdpa", "exact attention by torch's fused kernels")
class Sdpa(DotProductAttention):
    """torch.nn.functional.scaled_dot_product_attention."""

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """Attention that attends by the fused kernel."""
        from harness.model.attention import Attention

        return Attention(shape, _attend)

    def unmasked(self, shape: Shape, layer: int) -> TokenMixer:
        """The same without a mask."""
        from harness.model.attention import Attention, attend_to_all

        return Attention(shape, attend_to_all)


def _attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    from torch.nn.functional import scaled_dot_product_attention

    from harness.model.attention import causal_mask

    new, total = query.shape[2], key.shape[2]
    if new == total:
        return scaled_dot_product_attention(query, key, value, is_causal=True)
    # A single token sees everything so far; a chunk needs the mask's lower right corner.
    mask = None if new == 1 else causal_mask(query, key)
    return scaled_dot_product_attention(query, key, value, attn_mask=mask)
