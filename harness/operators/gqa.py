"""gqa: grouped query attention, where several heads share keys and values.

With G groups: time O(T^2 d) for a prefill of T tokens, as in full attention. A decode step is
limited by reading the KV cache, which is G / H as large: time O(T d G / H), memory O(T d G / H).
G = H is multi-head attention (exact), G = 1 multi-query attention. Fewer keys and values make a
smaller model, which loses some quality. Ainslie et al. 2023 (arXiv 2305.13245).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from harness.domain.cell import Cell
from harness.domain.entry import Options
from harness.domain.run import Host
from harness.model.shape import Shape
from harness.operators import Operator, register, shape_of

if TYPE_CHECKING:
    import torch

    from harness.model.mixer import TokenMixer


class GroupedAttention(Operator):
    """The cost of attention with fewer keys and values."""

    @property
    def groups(self) -> int:
        """The number of key and value heads."""
        raise NotImplementedError

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """Attention with fewer key and value heads."""
        from harness.model.attention import Attention

        return Attention(shape, _attend, self.groups)

    def parameters(self, shape: Shape, layer: int) -> int:
        """Query and output projections 2 D^2 + 2 D; keys and values of G heads of width d."""
        keys = self.groups * shape.d_head
        return 2 * (shape.d_model + 1) * (shape.d_model + keys)

    def flops(self, shape: Shape, layer: int, batch: int, new: int, past: int) -> int:
        """Smaller projections; as many pairs as in full attention, 4 D each."""
        keys = self.groups * shape.d_head
        projections = 4 * shape.d_model * (shape.d_model + keys) * new
        return batch * (projections + 4 * shape.d_model * new * (past + new))

    def state_bytes(
        self, shape: Shape, layer: int, batch: int, capacity: int, element: float
    ) -> float:
        """Keys and values of G heads for each token."""
        return 2 * batch * capacity * self.groups * shape.d_head * element

    def exact(self, shape: Shape, length: int) -> bool:
        """True if each head has its own keys."""
        return self.groups == shape.heads

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """Needs groups of equal size."""
        heads = shape_of(cell).heads
        if heads % self.groups:
            return f"groups {self.groups} does not divide the model's {heads} heads"
        return super().unsupported(cell, host)


@register("gqa", "attention in which groups of heads share keys and values")
class Gqa(GroupedAttention):
    """Any number of groups that divides the heads."""

    class Options(Options):
        """The number of groups."""

        groups: int = Field(
            2, ge=1, le=10_000, description="key and value heads; must divide the heads"
        )

    @property
    def groups(self) -> int:
        """The option `groups`."""
        groups: int = self.options.groups
        return groups


def _attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    from torch.nn.functional import scaled_dot_product_attention

    from harness.model.attention import causal_mask

    new, total, groups = query.shape[2], key.shape[2], key.shape[1]
    if new == 1:
        # The heads of a group become queries of one head, so that its keys are read once.
        together = query.squeeze(2).unflatten(1, (groups, -1))  # [B, G, H / G, d]
        return scaled_dot_product_attention(together, key, value).flatten(1, 2).unsqueeze(2)
    mask = None if new == total else causal_mask(query, key)
    return scaled_dot_product_attention(
        query, key, value, attn_mask=mask, is_causal=mask is None, enable_gqa=True
    )
