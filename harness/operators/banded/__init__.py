"""banded: each token attends to itself and the `window` - 1 tokens before it.

For a window w and a block b of queries: time O(T (w + b) d) for a prefill of T tokens and
O(w d) for a decode step; memory O(T (w + b)) at most (O(T d) in a fused kernel), and a decode
state of w keys and values, whatever the length. Keys and values come in overlapping blocks, one
per block of queries, so that one batched call computes everything. With a window of T or more it
is exact attention.

One layer cannot learn what depends on tokens beyond the window; L layers together reach L (w - 1)
tokens back. Child et al. 2019 (arXiv 1904.10509),
Beltagy et al. 2020 (arXiv 2004.05150).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from harness.domain.entry import Options
from harness.model.shape import Shape
from harness.operators import register
from harness.operators.sdpa import DotProductAttention

if TYPE_CHECKING:
    from harness.model.mixer import TokenMixer


@register("banded", "attention to a sliding window, linear in the length")
class Banded(DotProductAttention):
    """The projections of full attention, and only the pairs near the diagonal."""

    class Options(Options):
        """How far a token sees, and the size of a block."""

        window: int = Field(
            256, ge=2, le=10**6, description="tokens that each token sees, including itself"
        )
        block: int = Field(64, ge=1, le=10**6, description="queries that share a block of keys")

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """Attention with a rolling cache."""
        from harness.operators.banded.mixer import WindowAttention

        return WindowAttention(shape, self.options.window, self.options.block)

    def flops(self, shape: Shape, layer: int, batch: int, new: int, past: int) -> int:
        """Projections as in full attention; 4 D for each pair of a query and a key of its block.

        The corners of a block, which the mask hides, count because they are computed: each query
        meets w + b keys, of which it sees w.
        """
        window: int = self.options.window
        block: int = self.options.block
        held = min(past, window - 1) + new
        if new == 1 or held <= window:
            pairs = new * min(held, window)
        else:
            pairs = -(-new // block) * block * (window + block)
        return batch * (8 * shape.d_model**2 * new + 4 * shape.d_model * pairs)

    def state_bytes(
        self, shape: Shape, layer: int, batch: int, capacity: int, element: float
    ) -> float:
        """A key and a value for each token of the window."""
        return super().state_bytes(shape, layer, batch, min(capacity, self.options.window), element)

    def exact(self, shape: Shape, length: int) -> bool:
        """True if the window covers everything."""
        covers: bool = self.options.window >= length
        return covers
