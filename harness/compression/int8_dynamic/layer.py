"""Int8 weights times activations that are quantised at run time."""

from __future__ import annotations

import warnings
from typing import Any, Self

import torch
from torch import nn

from harness.model.packed import PackedLinear, Tensors
from harness.model.rounding import asymmetric, quantised, symmetric


class Int8DynamicLinear(PackedLinear):
    """torch's x86 engine (FBGEMM or oneDNN): activations per tensor, by the batch's range."""

    kind = "int8-dynamic"

    def __init__(
        self,
        numbers: torch.Tensor,  # [out, in] int8
        scales: torch.Tensor,  # [out] or [1], float64: what the kernel takes
        zeros: torch.Tensor,  # the same shape, int64
        bias: torch.Tensor | None,  # [out] fp32
    ) -> None:
        super().__init__(numbers.shape[1], numbers.shape[0], bias)
        with warnings.catch_warnings():
            # torchao, the successor, is far slower for a batch of one on CPU.
            warnings.filterwarnings("ignore", "torch.quantize_per_tensor, .* are deprecated")
            weight = (
                torch._make_per_channel_quantized_tensor(numbers, scales, zeros, 0)
                if scales.numel() > 1
                else torch._make_per_tensor_quantized_tensor(numbers, float(scales), int(zeros))
            )
        self._packed: Any = torch.ops.quantized.linear_prepack(weight, bias)

    @classmethod
    def of(cls, linear: nn.Linear, *, by_channel: bool, is_symmetric: bool) -> Self:
        """The same layer in int8."""
        weight = linear.weight.detach().float()
        dim = 1 if by_channel else None
        if is_symmetric:
            scale = symmetric(weight, 8, dim)
            zero = torch.zeros_like(scale)
        else:
            scale, zero = asymmetric(weight, 8, dim)
        numbers = quantised(weight, scale, zero, 8)
        bias = None if linear.bias is None else linear.bias.detach().float()
        return cls(numbers, scale.double().flatten(), zero.long().flatten(), bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[..., in] -> [..., out]."""
        # 7-bit activations: with 8 bits the sums saturate on older instruction sets.
        out: torch.Tensor = torch.ops.quantized.linear_dynamic(x, self._packed, True)
        return out

    def weights(self) -> Tensors:
        """Integers, scales and zero points."""
        weight, _ = torch.ops.quantized.linear_unpack(self._packed)
        if weight.qscheme() == torch.per_channel_affine:
            scales, zeros = weight.q_per_channel_scales(), weight.q_per_channel_zero_points()
        else:
            scales = torch.tensor([weight.q_scale()], dtype=torch.float64)
            zeros = torch.tensor([weight.q_zero_point()])
        return {"numbers": weight.int_repr(), "scales": scales.double(), "zeros": zeros.long()}

    def dense(self) -> torch.Tensor:
        """[out, in]."""
        own = self.weights()
        scales, zeros = own["scales"].unsqueeze(1), own["zeros"].unsqueeze(1)
        return ((own["numbers"].double() - zeros) * scales).float()
