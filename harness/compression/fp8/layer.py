"""Weights and activations in 8-bit floating point, on GPUs that multiply fp8."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import torch
from torch import nn

from harness.model.packed import PackedLinear, Tensors

_FORMAT = torch.float8_e4m3fn
_MOST = 448.0  # the greatest number in e4m3


class Fp8Linear(PackedLinear):
    """torch's `_scaled_mm`: one scale per layer for weights, one per batch for activations.

    Micikevicius et al. 2022 (arXiv 2209.05433).
    """

    kind = "fp8"
    numbers: torch.Tensor
    scale: torch.Tensor

    def __init__(
        self, numbers: torch.Tensor, scale: torch.Tensor, bias: torch.Tensor | None
    ) -> None:
        super().__init__(numbers.shape[1], numbers.shape[0], bias)
        self.register_buffer("numbers", numbers)  # [out, in] e4m3
        self.register_buffer("scale", scale)  # [] fp32

    @classmethod
    def of(cls, layer: nn.Linear) -> Self:
        """The same layer in fp8."""
        weight = layer.weight.detach()
        scale = (weight.abs().max().float() / _MOST).clamp_min(1e-12)
        bias = None if layer.bias is None else layer.bias.detach()
        return cls((weight / scale).to(_FORMAT), scale, bias)

    def _apply(self, fn: Callable[..., torch.Tensor], recurse: bool = True) -> Self:
        """Move with the model, but keep the types: `.to(torch.bfloat16)` would cast fp8 too."""
        kept = {"numbers": self.numbers, "scale": self.scale}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch's has no annotations
        for name, tensor in kept.items():
            setattr(self, name, tensor.to(getattr(self, name).device))
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[..., in] -> [..., out]."""
        rows = x.reshape(-1, self.in_features)
        scale = (rows.abs().amax().float() / _MOST).clamp_min(1e-12)
        out: torch.Tensor = torch._scaled_mm(
            (rows / scale).to(_FORMAT),
            self.numbers.t(),
            scale_a=scale,
            scale_b=self.scale,
            out_dtype=x.dtype if x.dtype != torch.float32 else torch.bfloat16,
        ).to(x.dtype)
        if self.bias is not None:
            out = out + self.bias
        return out.view(*x.shape[:-1], self.out_features)

    def weights(self) -> Tensors:
        """Numbers and scale."""
        return {"numbers": self.numbers, "scale": self.scale}

    def dense(self) -> torch.Tensor:
        """[out, in]."""
        return self.numbers.float() * self.scale
