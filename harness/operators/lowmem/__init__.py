"""lowmem: exact attention in chunks, with a running softmax.

Time O(T^2 d) for a prefill of T tokens and O(T d) for a decode step, as in any exact attention,
less the keys that a chunk of c queries does not see. Memory O(c sqrt(T)) per head for scores,
beside the KV cache; in training too, because the backward pass computes the scores again. It makes
T / c x sqrt(T) calls where a fused kernel makes one. Exact.
Rabe and Staats 2021 (arXiv 2112.05682).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pydantic import Field

from harness.domain.entry import Options
from harness.model.shape import Shape
from harness.operators import register
from harness.operators.sdpa import DotProductAttention

if TYPE_CHECKING:
    from harness.model.mixer import TokenMixer


@register("lowmem", "exact attention in chunks, with O(sqrt(length)) memory for scores")
class Lowmem(DotProductAttention):
    """Exact attention without a fused kernel and without all scores in memory."""

    class Options(Options):
        """The size of a chunk."""

        chunk: int = Field(
            1024,
            ge=1,
            le=10**6,
            description="queries in a chunk; a chunk of keys has sqrt(length) keys",
        )

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """Attention in chunks."""
        from harness.model.attention import Attention
        from harness.operators.lowmem.attend import chunked_attention

        return Attention(shape, partial(chunked_attention, chunk=self.options.chunk))

    def flops(self, shape: Shape, layer: int, batch: int, new: int, past: int) -> int:
        """Projections: 8 D^2 per token. Pairs of a query and a key its chunk sees: 4 D."""
        pairs = self._pairs(new, past)
        return batch * (8 * shape.d_model**2 * new + 4 * shape.d_model * pairs)

    def recomputed(self, shape: Shape, layer: int, batch: int, new: int) -> int:
        """The scores: 2 D per pair."""
        return 2 * batch * shape.d_model * self._pairs(new, past=0)

    def _pairs(self, new: int, past: int) -> int:
        """Each chunk of queries meets all keys up to its last query."""
        chunk = self.options.chunk
        whole, rest = divmod(new, chunk)
        sees = chunk * (whole * past + chunk * whole * (whole + 1) // 2)
        pairs: int = sees + rest * (past + new)
        return pairs
