"""The layer of the outside compression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from torch.nn.functional import linear

from harness.model.packed import PackedLinear, Settings, Tensors

if TYPE_CHECKING:
    import torch
    from torch import nn


class HalfLinear(PackedLinear):
    """float16 weights."""

    kind = "outside-half"

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__()
        self.out_features, self.in_features = weight.shape
        self._weight, self._bias = weight, bias

    @classmethod
    def of(cls, layer: nn.Linear) -> Self:
        """The same layer in float16."""
        bias = None if layer.bias is None else layer.bias.detach()
        return cls(layer.weight.detach().half(), bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[..., in] -> [..., out]."""
        return linear(x, self._weight.to(x.dtype), self._bias)

    @property
    def has_bias(self) -> bool:
        """Whether it adds one."""
        return self._bias is not None

    def settings(self) -> Settings:
        """None."""
        return {}

    def stored(self) -> Tensors:
        """Weight and bias."""
        return {
            "half": self._weight,
            **({} if self._bias is None else {"bias": self._bias}),
        }

    @classmethod
    def restored(cls, settings: Settings, tensors: Tensors) -> Self:
        """As stored."""
        one = dict(tensors)
        return cls(one["half"], one.get("bias"))

    def dense(self) -> torch.Tensor:
        """[out, in]."""
        return self._weight.float()
