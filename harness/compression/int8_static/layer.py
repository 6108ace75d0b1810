"""Int8 weights times activations that are quantised by a calibrated range."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import nn

from harness.model.packed import PackedLinear, Settings, Tensors
from harness.model.rounding import quantised, symmetric


class Int8StaticLinear(PackedLinear):
    """oneDNN's int8 product: uint8 activations in a fixed range, symmetric weights per channel.

    Its output is fp32, so nothing is rounded between layers. Processors without VNNI add pairs of
    products in 16 bits, which would overflow, so there activations take 7 bits; see "Nuances of
    int8 Computations" in oneDNN's documentation.
    """

    kind = "int8-static"

    def __init__(
        self,
        numbers: torch.Tensor,  # [out, in] int8
        scales: torch.Tensor,  # [out] fp32
        bias: torch.Tensor | None,  # [out] fp32
        least: float,
        most: float,
    ) -> None:
        super().__init__(numbers.shape[1], numbers.shape[0], bias)
        self._scales = scales
        self._range = (min(least, 0.0), max(most, 0.0))  # zero itself stays exact
        low, high = self._range
        self._most = 255 if torch.cpu._is_vnni_supported() else 127
        self._scale = max((high - low) / self._most, 1e-12)
        self._zero = round(-low / self._scale)
        self._zeros = torch.zeros_like(scales, dtype=torch.int64)
        # oneDNN keeps the weight in its own blocked layout; the plain weight is dropped.
        self._packed: Any = torch.ops.onednn.qlinear_prepack(numbers, None)

    @classmethod
    def of(cls, layer: nn.Linear, least: float, most: float) -> Self:
        """The same layer in int8, for inputs between `least` and `most`."""
        weight = layer.weight.detach().float()
        scale = symmetric(weight, 8, 1)
        bias = None if layer.bias is None else layer.bias.detach().float()
        return cls(quantised(weight, scale, 0.0, 8), scale.flatten(), bias, least, most)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[..., in] -> [..., out]."""
        rows = x.reshape(-1, self.in_features)
        numbers = (
            (rows * (1 / self._scale))
            .round_()
            .add_(self._zero)
            .clamp_(0, self._most)
            .to(torch.uint8)
        )
        out: torch.Tensor = torch.ops.onednn.qlinear_pointwise(
            numbers,
            self._scale,
            self._zero,
            self._packed,
            self._scales,
            self._zeros,
            self.bias,
            1.0,
            0,
            torch.float32,
            "none",
            [],
            "",
        )
        return out.view(*x.shape[:-1], self.out_features)

    def settings(self) -> Settings:
        """The range of its inputs."""
        least, most = self._range
        return {"least": least, "most": most}

    def weights(self) -> Tensors:
        """Integers and scales."""
        numbers = self._packed.to_dense().t().contiguous()
        return {"numbers": numbers, "scales": self._scales}

    def dense(self) -> torch.Tensor:
        """[out, in]."""
        return self.weights()["numbers"].float() * self._scales.unsqueeze(1)
