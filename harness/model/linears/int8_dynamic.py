"""Int8 weights times activations that are quantised as they come."""

from __future__ import annotations

import warnings
from typing import Any, Self

import torch
from torch import nn

from harness.model.linears.rounding import asymmetric, quantised, symmetric
from harness.model.packed import PackedLinear, Settings, Tensors


class Int8DynamicLinear(PackedLinear):
    """torch's x86 engine (FBGEMM or oneDNN): activations per tensor, with the batch's range."""

    kind = "int8-dynamic"

    def __init__(
        self,
        numbers: torch.Tensor,  # [out, in] int8
        scales: torch.Tensor,  # [out] or [1], float64: what the kernel takes
        zeros: torch.Tensor,  # the same shape, int64
        bias: torch.Tensor | None,  # [out] fp32
    ) -> None:
        super().__init__()
        self.out_features, self.in_features = numbers.shape
        self._bias = None if bias is None else bias.detach()
        with warnings.catch_warnings():
            # torch's own successor, torchao, is far slower for a batch of one on CPU.
            warnings.filterwarnings("ignore", "torch.quantize_per_tensor, .* are deprecated")
            weight = (
                torch._make_per_channel_quantized_tensor(numbers, scales, zeros, 0)
                if scales.numel() > 1
                else torch._make_per_tensor_quantized_tensor(numbers, float(scales), int(zeros))
            )
        self._packed: Any = torch.ops.quantized.linear_prepack(weight, self._bias)

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
        bias = None if linear.bias is None else linear.bias.float()
        return cls(numbers, scale.double().flatten(), zero.long().flatten(), bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[..., in] -> [..., out]."""
        # Activations of 7 bits: with 8 the sums of older instruction sets saturate.
        out: torch.Tensor = torch.ops.quantized.linear_dynamic(x, self._packed, True)
        return out

    @property
    def has_bias(self) -> bool:
        """Whether it adds one."""
        return self._bias is not None

    def settings(self) -> Settings:
        """None: the tensors tell all."""
        return {}

    def stored(self) -> Tensors:
        """Integers, scales, zero points, bias."""
        weight, bias = torch.ops.quantized.linear_unpack(self._packed)
        if weight.qscheme() == torch.per_channel_affine:
            scales, zeros = weight.q_per_channel_scales(), weight.q_per_channel_zero_points()
        else:
            scales = torch.tensor([weight.q_scale()], dtype=torch.float64)
            zeros = torch.tensor([weight.q_zero_point()])
        tensors = {"numbers": weight.int_repr(), "scales": scales.double(), "zeros": zeros.long()}
        return tensors if bias is None else {**tensors, "bias": bias}

    @classmethod
    def restored(cls, settings: Settings, tensors: Tensors) -> Self:
        """Packed anew."""
        one = dict(tensors)
        return cls(one["numbers"], one["scales"], one["zeros"], one.get("bias"))

    def dense(self) -> torch.Tensor:
        """[out, in]."""
        stored = self.stored()
        scales, zeros = stored["scales"].unsqueeze(1), stored["zeros"].unsqueeze(1)
        return ((stored["numbers"].double() - zeros) * scales).float()
