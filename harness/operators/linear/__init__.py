"""linear: attention without the softmax, as one growing sum over the past.

The weight of a pair is phi(q) . phi(k), so the sum over all keys can be kept instead of the keys:
time O(T d^2) for a prefill of T tokens (in chunks of c: O(T d (c + d))) and O(d^2) a head for a
decode step, whatever the length; a decode state of d (d + 1) numbers a head, in fp32. Chunks are
one batched call: a product within each, and cumulative sums of theirs between them.

It approximates softmax attention only loosely: weights cannot be sharp, and all keys share a sum
of d dimensions a head, so that it does not recall one of many tokens far back, as copying asks.
Katharopoulos et al. 2020 (arXiv 2006.16236).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from harness.domain.entry import Options
from harness.model.shape import Shape
from harness.operators import Operator, register

if TYPE_CHECKING:
    import torch

    from harness.model.mixer import TokenMixer


@register("linear", "linear attention: a sum over the past, constant decode state")
class Linear(Operator):
    """The projections of full attention, and sums in place of its scores."""

    class Options(Options):
        """What makes weights positive, and how the work is cut."""

        features: Literal["elu", "relu"] = Field(
            "elu", description="the feature map: elu(x) + 1, or relu(x)"
        )
        chunk: int = Field(64, ge=1, le=10**6, description="tokens that meet pair by pair")

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """Linear attention with the chosen feature map."""
        from harness.operators.linear.mixer import LinearAttention

        features = {"elu": _elu, "relu": _relu}[self.options.features]
        return LinearAttention(shape, features, self.options.chunk)

    def parameters(self, shape: Shape, layer: int) -> int:
        """As full attention: 4 D^2 + 4 D."""
        return 4 * shape.d_model**2 + 4 * shape.d_model

    def flops(self, shape: Shape, layer: int, batch: int, new: int, past: int) -> int:
        """Projections 8 D^2 a token; a head adds a token to its sum and asks it, 4 d (d + 1).

        In chunks of c, the last filled up, each also meets c tokens: 2 c (2 d + 1).
        """
        d_head = shape.d_head
        of_sums = 4 * d_head * (d_head + 1)
        if new == 1:
            tokens, each = 1, of_sums
        else:
            chunk = min(self.options.chunk, new)
            tokens, each = -(-new // chunk) * chunk, of_sums + 2 * chunk * (2 * d_head + 1)
        return batch * (8 * shape.d_model**2 * new + shape.heads * tokens * each)

    def state_bytes(
        self, shape: Shape, layer: int, batch: int, capacity: int, element: float
    ) -> float:
        """Of each head, d (d + 1) numbers, always of four bytes."""
        return batch * shape.heads * shape.d_head * (shape.d_head + 1) * 4


def _elu(x: torch.Tensor) -> torch.Tensor:
    from torch.nn.functional import elu

    return elu(x) + 1


def _relu(x: torch.Tensor) -> torch.Tensor:
    return x.relu()
