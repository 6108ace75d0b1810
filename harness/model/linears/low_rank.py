"""A weight as the product of two thin ones."""

from __future__ import annotations

import torch
from torch import nn


class LowRankLinear(nn.Module):
    """y = (x A^T) B^T + b, with A [rank, in] and B [out, rank]: two Linear layers."""

    def __init__(self, in_features: int, rank: int, out_features: int, *, bias: bool) -> None:
        super().__init__()
        self.first = nn.Linear(in_features, rank, bias=False)
        self.second = nn.Linear(rank, out_features, bias=bias)

    @classmethod
    def of(cls, layer: nn.Linear, rank: int, scales: torch.Tensor | None = None) -> LowRankLinear:
        """The nearest of that rank in the sum of squares (Eckart and Young 1936).

        With `scales` [in], in the squares of what the inputs of such magnitudes give.
        """
        weight = layer.weight.detach().float()
        scaled = weight if scales is None else weight * scales
        left, values, right = torch.linalg.svd(scaled, full_matrices=False)
        root = values[:rank].sqrt()
        has_bias = layer.bias is not None
        made = cls(layer.in_features, rank, layer.out_features, bias=has_bias)
        first = root.unsqueeze(1) * right[:rank]
        made.first.weight = nn.Parameter(first if scales is None else first / scales)
        made.second.weight = nn.Parameter(left[:, :rank] * root)
        if has_bias:
            made.second.bias = layer.bias
        return made.to(layer.weight.dtype)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[..., in] -> [..., out]."""
        out: torch.Tensor = self.second(self.first(x))
        return out
