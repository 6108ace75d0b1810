"""Matrix products by every library that torch calls: candidates for a format's peak.

One call does 2 m n k FLOPs (for int8: operations): each of the m x n results sums k products.
Operands are random: models do not multiply denormals or zeros.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from harness.ceilings.search import KernelTrial


@dataclass(frozen=True)
class Operands:
    """The operands of a [m, k] times w [n, k] transposed, as in a Linear layer."""

    a: Tensor
    w: Tensor

    @property
    def shape(self) -> tuple[int, int, int]:
        """m, n, k."""
        return (self.a.shape[0], self.w.shape[0], self.a.shape[1])


Call: TypeAlias = Callable[[], Tensor]
DTYPES = {
    "fp32": torch.float32,
    "tf32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
    "int8": torch.int8,
    "fp8": torch.float8_e4m3fn,
}
# (m, n, k), the smallest first: from its rate the search decides which others the time allows.
SHAPES = {
    "cpu": (
        (512, 512, 512),
        (1024, 1024, 1024),
        (4096, 1024, 1024),
        (2048, 2048, 2048),
        (256, 4096, 4096),
        (4096, 4096, 4096),
    ),
    "cuda": (
        (2048, 2048, 2048),
        (4096, 4096, 4096),
        (8192, 8192, 8192),
        (16384, 4096, 4096),
    ),
}


@dataclass(frozen=True)
class Kernel:
    """A way to compute the product, and the formats and devices it supports."""

    name: str
    formats: tuple[str, ...]
    devices: tuple[str, ...]
    make: Callable[[Operands], Call]


def trials(number_format: str, device: torch.device) -> Iterator[KernelTrial]:
    """Every kernel for the format, at every size. Kernels of one size share their operands."""
    kernels = kernels_for(number_format, device.type)
    for shape in SHAPES.get(device.type, SHAPES["cuda"]):
        operands = _LazyOperands(number_format, shape, device)
        for kernel in kernels:
            yield KernelTrial(
                kernel=kernel.name,
                size=" x ".join(map(str, shape)),
                work=2.0 * shape[0] * shape[1] * shape[2],
                prepare=lambda make=kernel.make, data=operands: make(data.get()),  # type: ignore[misc]
            )


def kernels_for(number_format: str, device: str) -> list[Kernel]:
    """The kernels for this format on this type of device."""
    return [
        kernel for kernel in KERNELS if number_format in kernel.formats and device in kernel.devices
    ]


def operands(
    number_format: str, shape: tuple[int, int, int], device: torch.device, seed: int = 0
) -> Operands:
    """Random operands: normal, or for int8 uniform over -127 to 127."""
    m, n, k = shape
    generator = torch.Generator(device).manual_seed(seed)
    return Operands(*(_random(number_format, size, device, generator) for size in ((m, k), (n, k))))


def _random(
    number_format: str, size: tuple[int, int], device: torch.device, generator: torch.Generator
) -> Tensor:
    if number_format == "int8":
        return torch.randint(-127, 128, size, dtype=torch.int8, device=device, generator=generator)
    return torch.randn(size, device=device, generator=generator).to(DTYPES[number_format])


class _LazyOperands:
    """The operands of one size, made when first needed and shared by all kernels."""

    def __init__(
        self, number_format: str, shape: tuple[int, int, int], device: torch.device
    ) -> None:
        self._format, self._shape, self._device = number_format, shape, device
        self._made: Operands | None = None

    def get(self) -> Operands:
        if self._made is None:
            self._made = operands(self._format, self._shape, self._device)
        return self._made


def _matmul(x: Operands) -> Call:
    b, out = x.w.t().contiguous(), x.a.new_empty(x.shape[:2])
    return lambda: torch.matmul(x.a, b, out=out)


def _linear(x: Operands) -> Call:
    return lambda: functional.linear(x.a, x.w)


def _packed(x: Operands) -> Call:
    """Weights reordered beforehand into oneDNN's preferred layout."""
    weight = torch.ops.mkldnn._reorder_linear_weight(x.w, x.shape[0])
    compute = torch.ops.mkldnn._linear_pointwise
    return lambda: compute(x.a, weight, None, "none", [], "")


def _converted(x: Operands) -> Call:
    """Computes in fp32 and times the conversion: on some processors that beats the format."""
    b = x.w.t().contiguous()
    return lambda: torch.matmul(x.a.float(), b.float()).to(x.a.dtype)


def _tf32(x: Operands) -> Call:
    torch.set_float32_matmul_precision("high")
    return _matmul(x)


def _true_fp32(x: Operands) -> Call:
    torch.set_float32_matmul_precision("highest")
    return _matmul(x)


def _int_mm(x: Operands) -> Call:
    b = x.w.t()
    return lambda: torch._int_mm(x.a, b)


def _quantized(engine: str) -> Callable[[Operands], Call]:
    """torch.ops.quantized.linear of the named engine: int8 in, int8 out."""

    def make(x: Operands) -> Call:
        torch.backends.quantized.engine = engine
        packed = torch.ops.quantized.linear_prepack(_signed(x.w), None)
        a = torch._make_per_tensor_quantized_tensor(_unsigned(x.a), 1.0, 128)
        scale = _output_scale(x)
        return lambda: torch.ops.quantized.linear(a, packed, scale, 128)

    return make


def _dynamic(engine: str) -> Callable[[Operands], Call]:
    """The same with fp32 in and out: the time includes quantising the activations."""

    def make(x: Operands) -> Call:
        torch.backends.quantized.engine = engine
        packed = torch.ops.quantized.linear_prepack(_signed(x.w), None)
        a = x.a.float()
        return lambda: torch.ops.quantized.linear_dynamic(a, packed)

    return make


def _onednn_int8(x: Operands) -> Call:
    """The kernel that torch.export's quantisation uses: int8 in, fp32 out."""
    m, n, k = x.shape
    packed = torch.ops.onednn.qlinear_prepack(x.w, [m, k])
    a, ones, zeros = _unsigned(x.a), torch.ones(n), torch.zeros(n, dtype=torch.int32)
    compute = torch.ops.onednn.qlinear_pointwise
    return lambda: compute(
        a, 1.0, 128, packed, ones, zeros, None, 1.0, 0, torch.float32, "none", [], ""
    )


def _signed(w: Tensor) -> Tensor:
    """The weights unchanged, with a scale of 1 for each output channel."""
    channels = w.shape[0]
    scales, zeros = (
        torch.ones(channels, dtype=torch.double),
        torch.zeros(channels, dtype=torch.long),
    )
    return torch._make_per_channel_quantized_tensor(w, scales, zeros, 0)


def _unsigned(a: Tensor) -> Tensor:
    """uint8 with zero point 128, the format that processors' int8 instructions multiply."""
    return (a.to(torch.int16) + 128).to(torch.uint8)


def _output_scale(x: Operands) -> float:
    """The scale at which all but a few in ten thousand sums of k products fit in int8."""
    spread = float(x.a.float().std() * x.w.float().std())
    return max(1.0, 4 * spread * math.sqrt(x.shape[2]) / 127)


def _scaled_mm(x: Operands) -> Call:
    """fp8 in, bf16 out, one scale per tensor."""
    b, one = x.w.t(), torch.ones((), device=x.a.device)
    return lambda: torch._scaled_mm(x.a, b, scale_a=one, scale_b=one, out_dtype=torch.bfloat16)


_HALF = ("bf16", "fp16")
_CPU, _CUDA = ("cpu",), ("cuda",)
KERNELS: Sequence[Kernel] = (
    Kernel("torch.matmul", ("fp32", *_HALF), _CPU, _matmul),
    Kernel("torch linear", ("fp32", *_HALF), _CPU, _linear),
    Kernel("oneDNN packed weights", ("fp32", *_HALF), _CPU, _packed),
    Kernel("torch.matmul in fp32", _HALF, _CPU, _converted),
    Kernel("torch._int_mm", ("int8",), (*_CPU, *_CUDA), _int_mm),
    Kernel("oneDNN qlinear", ("int8",), _CPU, _onednn_int8),
    Kernel("quantized.linear by oneDNN", ("int8",), _CPU, _quantized("onednn")),
    Kernel("quantized.linear by FBGEMM", ("int8",), _CPU, _quantized("fbgemm")),
    Kernel("dynamic quantized.linear by x86", ("int8",), _CPU, _dynamic("x86")),
    Kernel("torch.matmul", ("fp32",), _CUDA, _true_fp32),
    Kernel("torch.matmul", ("tf32",), _CUDA, _tf32),
    Kernel("torch.matmul", _HALF, _CUDA, _matmul),
    Kernel("torch linear", _HALF, _CUDA, _linear),
    Kernel("torch._scaled_mm", ("fp8",), _CUDA, _scaled_mm),
)
