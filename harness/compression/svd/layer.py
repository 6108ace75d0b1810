"""A weight as the product of two thin matrices."""

from __future__ import annotations

from typing import Self

import torch
from torch import nn

from harness.model.packed import ComposedLinear


class LowRankLinear(ComposedLinear):
    """y = (x A^T) B^T + b, with A [rank, in] and B [out, rank]: two Linear layers."""

    kind = "low-rank"

    def __init__(self, in_features: int, rank: int, out_features: int, *, bias: bool) -> None:
        super().__init__()
        self.first = nn.Linear(in_features, rank, bias=False)
        self.second = nn.Linear(rank, out_features, bias=bias)

    @classmethod
    def of(cls, layer: nn.Linear, rank: int) -> Self:
        """The nearest layer of this rank in the sum of squares (Eckart and Young 1936)."""
        weight = layer.weight.detach().float()
        left, values, right = torch.linalg.svd(weight, full_matrices=False)
        root = values[:rank].sqrt()
        has_bias = layer.bias is not None
        made = cls(layer.in_features, rank, layer.out_features, bias=has_bias)
        made.first.weight = nn.Parameter(root.unsqueeze(1) * right[:rank])
        made.second.weight = nn.Parameter(left[:, :rank] * root)
        if has_bias:
            made.second.bias = layer.bias
        return made.to(layer.weight.dtype)

    @classmethod
    def placeholder(cls) -> Self:
        """A layer of rank 1 with one input and one output."""
        return cls(1, 1, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[..., in] -> [..., out]."""
        out: torch.Tensor = self.second(self.first(x))
        return out
