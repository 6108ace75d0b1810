"""math: softmax attention as plain matrix products.

Time O(T^2 d) for a prefill of T tokens and O(T d) for a decode step; memory O(T^2) for the
scores beside the KV cache. Exact. Vaswani et al. 2017 (arXiv 1706.03762).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model.shape import Shape
from harness.operators import register
from harness.operators.sdpa import DotProductAttention

if TYPE_CHECKING:
    import torch

    from harness.model.mixer import TokenMixer


@register("math", "exact attention as plain matrix products")
class Math(DotProductAttention):
    """The reference for fused kernels."""

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """Attention that writes its scores to memory."""
        from harness.model.attention import Attention

        return Attention(shape, _attend)

    def unmasked(self, shape: Shape, layer: int) -> TokenMixer:
        """The same attention without a mask."""
        from harness.model.attention import Attention

        return Attention(shape, _attend_to_all)


def _attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    from harness.model.attention import causal_mask

    scores = _scores(query, key)
    if query.shape[2] > 1:  # a single token sees everything before it
        scores = scores.masked_fill(~causal_mask(query, key), float("-inf"))
    mixed: torch.Tensor = scores.softmax(dim=-1) @ value
    return mixed


def _attend_to_all(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    mixed: torch.Tensor = _scores(query, key).softmax(dim=-1) @ value
    return mixed


def _scores(query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
    """[B, H, T, past + T]."""
    scores: torch.Tensor = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
    return scores
