"""Int4 weights in groups, converted back inside the kernel."""

from __future__ import annotations

from typing import Self

import torch
from torch import nn
from torch.nn.functional import pad

from harness.model.packed import PackedLinear, Tensors
from harness.model.rounding import asymmetric, quantised, symmetric

# The kernel computes this many output columns at once.
_COLUMNS = 64
# Only torch's bfloat16 kernel is optimised, so activations are cast to bfloat16.
_KERNEL = torch.bfloat16


class Int4WeightOnlyLinear(PackedLinear):
    """torch's `_weight_int4pack_mm_for_cpu`: a scale and an offset per group of inputs."""

    kind = "int4-weight-only"

    def __init__(
        self,
        nibbles: torch.Tensor,  # [out, in / 2] uint8, two numbers from 0 to 15 in each
        scales: torch.Tensor,  # [in / group, out, 2]: w = scale (number - 8) + offset
        bias: torch.Tensor | None,
    ) -> None:
        numbers = _unpaired(nibbles)
        super().__init__(numbers.shape[1], numbers.shape[0], bias)
        self._group = self.in_features // len(scales)
        surplus = -self.out_features % _COLUMNS
        padded = pad(numbers.int(), (0, 0, 0, surplus))
        packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(padded, 1)
        # Not buffers, because casting the model must not change the format that the kernel takes.
        self._packed: torch.Tensor = packed  # [padded out, in / 2] uint8
        self._scales: torch.Tensor = pad(scales, (0, 0, 0, surplus)).contiguous()

    @classmethod
    def of(cls, layer: nn.Linear, group: int, *, is_symmetric: bool) -> Self:
        """The same layer in int4."""
        weight = layer.weight.detach().float().unflatten(1, (-1, group))  # [out, n, group]
        if is_symmetric:
            scale = symmetric(weight, 4, -1)
            offset = torch.zeros_like(scale)
        else:
            scale, zero = asymmetric(weight, 4, -1)
            offset = -zero * scale
        scale, offset = scale.to(_KERNEL).float(), offset.to(_KERNEL).float()
        numbers = quantised(weight - offset, scale, 0.0, 4).flatten(1) + 8
        scales = torch.cat((scale, offset), -1).transpose(0, 1).contiguous().to(_KERNEL)
        bias = None if layer.bias is None else layer.bias.detach()
        return cls(_pairs(numbers), scales, bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[..., in] -> [..., out]."""
        rows = x.reshape(-1, self.in_features)
        out = self._product(rows)[:, : self.out_features].to(x.dtype)
        if self.bias is not None:
            out = out + self.bias
        return out.reshape(*x.shape[:-1], self.out_features)

    def weights(self) -> Tensors:
        """Integers, two per byte; scales and offsets."""
        scales = self._scales[:, : self.out_features].contiguous()
        scale, offset = _by_group(scales)
        weight = self.dense().unflatten(1, (-1, self._group))
        numbers = ((weight - offset) / scale).round() + 8  # exact: errors are far below a step
        return {"nibbles": _pairs(numbers.flatten(1)), "scales": scales}

    def weight_bytes(self) -> int:
        """Bytes in the kernel's own format."""
        bias = 0 if self.bias is None else self.bias.nbytes
        return self._packed.nbytes + self._scales.nbytes + bias

    def dense(self) -> torch.Tensor:
        """[out, in]."""
        one = torch.eye(self.in_features, dtype=self._scales.dtype, device=self._packed.device)
        weight: torch.Tensor = self._product(one)[:, : self.out_features].t().float()
        return weight

    def _product(self, rows: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = torch.ops.aten._weight_int4pack_mm_for_cpu(
            rows.to(_KERNEL), self._packed, self._group, self._scales
        )
        return out


def _by_group(scales: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """[n, out, 2] -> scale and offset, each [out, n, 1] in fp32."""
    scale, offset = scales.float().transpose(0, 1).unsqueeze(-2).unbind(-1)
    return scale, offset


def _pairs(numbers: torch.Tensor) -> torch.Tensor:
    """[out, in] from 0 to 15 -> [out, in / 2] uint8, the first of each two in the low half."""
    low, high = numbers.to(torch.uint8).unflatten(1, (-1, 2)).unbind(-1)
    pairs: torch.Tensor = low | (high << 4)
    return pairs


def _unpaired(pairs: torch.Tensor) -> torch.Tensor:
    """The inverse of _pairs, as int8."""
    return torch.stack((pairs & 15, pairs >> 4), -1).flatten(1).to(torch.int8)
