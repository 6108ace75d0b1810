"""The layer that the outside compression uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from torch.nn.functional import linear

from harness.model.packed import PackedLinear, Tensors

if TYPE_CHECKING:
    import torch
    from torch import nn


class HalfLinear(PackedLinear):
    """A Linear layer with float16 weights."""

    kind = "outside-half"

    def __init__(self, half: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__(half.shape[1], half.shape[0], bias)
        self._half = half  # not a buffer: casting the model must not change it

    @classmethod
    def of(cls, layer: nn.Linear) -> Self:
        """The same layer in float16."""
        bias = None if layer.bias is None else layer.bias.detach()
        return cls(layer.weight.detach().half(), bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[..., in] -> [..., out]."""
        return linear(x, self._half.to(x.dtype), self.bias)

    def weights(self) -> Tensors:
        """The float16 weight."""
        return {"half": self._half}

    def dense(self) -> torch.Tensor:
        """The weight in fp32, [out, in]."""
        return self._half.float()
