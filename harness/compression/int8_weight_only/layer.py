"""Int8 weights, converted back inside the kernel."""

from __future__ import annotations

from typing import Self

import torch
from torch import nn
from torch.nn.functional import linear

from harness.model.packed import PackedLinear, Tensors
from harness.model.rounding import quantised, symmetric

# With more rows, converting the whole weight and one dense product are faster.
_ROWS_IN_KERNEL = 16
# Only torch's bfloat16 kernel is optimised, so activations are cast to bfloat16.
_KERNEL = torch.bfloat16


class Int8WeightOnlyLinear(PackedLinear):
    """torch's `_weight_int8pack_mm`: symmetric, with one scale per output channel."""

    kind = "int8-weight-only"
    numbers: torch.Tensor
    scales: torch.Tensor

    def __init__(
        self, numbers: torch.Tensor, scales: torch.Tensor, bias: torch.Tensor | None
    ) -> None:
        super().__init__(numbers.shape[1], numbers.shape[0], bias)
        self.register_buffer("numbers", numbers)  # [out, in] int8
        self.register_buffer("scales", scales)  # [out]
        # The kernel rounds scales to bfloat16, so it gets ones and the scales are applied after it.
        # Not a buffer, because casting the model must not change the format that the kernel takes.
        self._ones = torch.ones(self.out_features, dtype=_KERNEL, device=numbers.device)

    @classmethod
    def of(cls, layer: nn.Linear) -> Self:
        """The same layer in int8."""
        weight = layer.weight.detach()
        scale = symmetric(weight.float(), 8, 1)
        bias = None if layer.bias is None else layer.bias.detach()
        return cls(quantised(weight, scale, 0.0, 8), scale.flatten().to(weight.dtype), bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[..., in] -> [..., out]."""
        rows = x.reshape(-1, self.in_features)
        if len(rows) > _ROWS_IN_KERNEL:
            out = linear(rows, self.numbers.to(x.dtype))
        else:
            out = torch._weight_int8pack_mm(rows.to(_KERNEL), self.numbers, self._ones).to(x.dtype)
        out = out * self.scales if self.bias is None else torch.addcmul(self.bias, out, self.scales)
        return out.view(*x.shape[:-1], self.out_features)

    def weights(self) -> Tensors:
        """Integers and scales."""
        return {"numbers": self.numbers, "scales": self.scales}

    def dense(self) -> torch.Tensor:
        """[out, in]."""
        return self.numbers.float() * self.scales.float().unsqueeze(1)
