"""Every kernel that competes does compute the product: a wrong one would win for nothing."""

from __future__ import annotations

import warnings

import pytest
import torch

from harness.ceilings.gemm import DTYPES, KERNELS, Kernel, Operands, kernels_for, trials

CPU = torch.device("cpu")
CASES = [
    pytest.param(kernel, number_format, id=f"{kernel.name} {number_format}")
    for kernel in KERNELS
    if "cpu" in kernel.devices
    for number_format in kernel.formats
]


def small(number_format: str) -> Operands:
    """Numbers that every format holds exactly, and whose sums no int8 kernel cuts off."""
    generator = torch.Generator().manual_seed(1)
    a, w = (torch.randint(-8, 9, (rows, 64), generator=generator) for rows in (32, 48))
    return Operands(a.to(DTYPES[number_format]), w.to(DTYPES[number_format]))


@pytest.mark.parametrize(("kernel", "number_format"), CASES)
def test_a_kernel_computes_the_product(kernel: Kernel, number_format: str) -> None:
    """Within what its output format rounds off."""
    operands = small(number_format)
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's int8 kernels for processors are deprecated
        try:
            out = kernel.make(operands)()
        except RuntimeError as error:
            pytest.skip(f"this build or processor lacks it: {str(error).splitlines()[0]}")
    told = out.dequantize() if out.is_quantized else out
    expected = operands.a.double() @ operands.w.double().T
    assert told.shape == expected.shape
    assert float((told.double() - expected).norm() / expected.norm()) < 0.02


@pytest.mark.parametrize("number_format", ["fp32", "bf16", "fp16", "int8"])
def test_a_processors_formats_have_several_kernels(number_format: str) -> None:
    assert len(kernels_for(number_format, "cpu")) >= 3


@pytest.mark.parametrize("number_format", ["fp32", "tf32", "bf16", "fp16", "int8", "fp8"])
def test_a_gpus_formats_have_a_kernel(number_format: str) -> None:
    assert kernels_for(number_format, "cuda")


def test_a_product_of_k_pairs_is_two_flops_each() -> None:
    first = next(trials("fp32", CPU))
    assert (first.size, first.work) == ("512 x 512 x 512", 2 * 512**3)


def test_sizes_grow_so_that_the_first_tells_what_the_time_allows() -> None:
    work = [one.work for one in trials("int8", CPU)]
    assert min(work) == work[0]
    assert max(work) == work[-1]
