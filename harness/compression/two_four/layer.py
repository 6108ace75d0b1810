"""Two of every four weights, multiplied in sparse tensor cores."""

from __future__ import annotations

from typing import Self

import torch
from torch import nn
from torch.nn.functional import linear

from harness.model.packed import PackedLinear, Tensors

_MULTIPLE = 64  # torch's kernels take matrices whose sides are multiples of it


class SemiSparseLinear(PackedLinear):
    """torch's semi-structured product, in half precision, on CUDA.

    The weight is compressed at its first product, when it has its final precision.
    """

    kind = "2:4"
    weight: torch.Tensor

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__(weight.shape[1], weight.shape[0], bias)
        self.register_buffer("weight", weight)  # [out, in], with its zeros
        self._sparse: torch.Tensor | None = None

    @classmethod
    def of(cls, layer: nn.Linear) -> Self | None:
        """The same layer, already pruned; None if the kernels do not take its sides."""
        if layer.in_features % _MULTIPLE or layer.out_features % _MULTIPLE:
            return None
        return cls(layer.weight.detach(), None if layer.bias is None else layer.bias.detach())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[..., in] -> [..., out]."""
        if self._sparse is None:
            self._sparse = torch.sparse.to_sparse_semi_structured(self.weight)
        rows = linear(x.reshape(-1, self.in_features), self._sparse, self.bias)
        return rows.view(*x.shape[:-1], self.out_features)

    def weights(self) -> Tensors:
        """The weight; the file leaves out its zeros."""
        return {"weight": self.weight}

    def dense(self) -> torch.Tensor:
        """[out, in]."""
        return self.weight.float()

    def weight_bytes(self) -> int:
        """Half the numbers, and two bits of index for each."""
        kept = self.weight.numel() // 2
        bias = 0 if self.bias is None else self.bias.nbytes
        return kept * self.weight.element_size() + kept // 4 + bias
