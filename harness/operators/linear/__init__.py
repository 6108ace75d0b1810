"""linear: attention without softmax, as a running sum over the past.

The weight of a pair is phi(q) . phi(k), so the state is a sum over all keys instead of the keys.
Time O(T d^2) per head for a prefill of T tokens (in chunks of c: O(T d (c + d))) and O(d^2) per
head for a decode step, whatever the length; a decode state of d (d + 1) numbers per head, in fp32.
All chunks go through one batched call: a product within each, and cumulative sums between them.

It approximates softmax attention only loosely: its weights are never sharp, and all keys share one
sum of d dimensions per head, so it cannot recall a single token far back, as copying requires.
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


@register("linear", "linear attention: a running sum over the past, constant decode state")
class Linear(Operator):
    """The projections of full attention, with sums instead of scores."""

    class Options(Options):
        """The feature map, and the size of a chunk."""

        features: Literal["elu", "relu"] = Field(
            "elu", description="the feature map: elu(x) + 1, or relu(x)"
        )
        chunk: int = Field(
            64, ge=1, le=10**6, description="tokens in a chunk, within which pairs are computed"
        )

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """Linear attention with the chosen feature map."""
        from harness.operators.linear.mixer import LinearAttention

        features = {"elu": _elu, "relu": _relu}[self.options.features]
        return LinearAttention(shape, features, self.options.chunk)

    def parameters(self, shape: Shape, layer: int) -> int:
        """As in full attention: 4 D^2 + 4 D."""
        return 4 * shape.d_model**2 + 4 * shape.d_model

    def flops(self, shape: Shape, layer: int, batch: int, new: int, past: int) -> int:
        """Projections: 8 D^2 per token. A head adds a token to its sum and reads it: 4 d (d + 1).

        In a prefill each token also meets c tokens, the padded chunk: 2 c (2 d + 1).
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
        """Per head, d (d + 1) numbers of always four bytes."""
        return batch * shape.heads * shape.d_head * (shape.d_head + 1) * 4


def _elu(x: torch.Tensor) -> torch.Tensor:
    from torch.nn.functional import elu

    return elu(x) + 1


def _relu(x: torch.Tensor) -> torch.Tensor:
    return x.relu()
