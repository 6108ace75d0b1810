"""fp8 by torch's scaled product, which processors compute too, if slowly: no GPU is needed here."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from harness.compression.fp8.layer import Fp8Linear
from harness.model.artifact import load, save
from harness.model.build import build
from harness.model.measure import nonzero_count
from harness.model.packed import replace_linears
from harness.model.sizes import SIZES
from harness.model.transformer import Transformer
from harness.operators.sdpa import Sdpa

NANO = SIZES["nano"].shape
CPU = torch.device("cpu")
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)


def layer(dtype: torch.dtype) -> tuple[nn.Linear, Fp8Linear]:
    """A dense one, and the same in fp8, cast as models are that are prepared."""
    torch.manual_seed(1)
    dense = nn.Linear(64, 32)
    return dense, Fp8Linear.of(dense).to(dtype)


@DTYPES
def test_a_cast_of_the_model_leaves_its_numbers_in_fp8(dtype: torch.dtype) -> None:
    """And their scale in fp32, as the kernel wants it; the bias follows the model."""
    before, made = Fp8Linear.of(layer(dtype)[0]), layer(dtype)[1]
    assert made.numbers.dtype == torch.float8_e4m3fn
    assert torch.equal(made.scale, before.scale)
    assert made.bias is not None
    assert made.bias.dtype == dtype
    assert made.dense().equal(before.dense())


@DTYPES
@pytest.mark.parametrize("rows", [1, 3, 16])
def test_it_computes_nearly_what_the_dense_layer_does(dtype: torch.dtype, rows: int) -> None:
    """Three bits of mantissa: some percent."""
    dense, made = layer(dtype)
    x = torch.randn(rows, 64, generator=torch.Generator().manual_seed(2))
    found, expected = made(x.to(dtype)), dense(x)
    assert found.dtype == dtype
    error = (found.float() - expected).norm() / expected.norm()
    assert 1e-3 < error < 0.06


def in_fp8(dtype: torch.dtype, zeros: int) -> Transformer:
    """With so many rows of each matrix zero."""
    model = build(NANO, Sdpa().mixer, device=CPU)
    with torch.no_grad():
        for one in model.modules():
            if isinstance(one, nn.Linear):
                one.weight[:zeros] = 0
    replace_linears(model, lambda _, one: Fp8Linear.of(one))
    return model.to(dtype)


@DTYPES
@pytest.mark.parametrize("zeros", [0, 48])
@torch.inference_mode()
def test_a_file_gives_it_back_to_the_bit(dtype: torch.dtype, zeros: int, tmp_path: Path) -> None:
    """Also where the file leaves zeros out."""
    model = in_fp8(dtype, zeros)
    tokens = torch.randint(NANO.vocab, (2, 24), generator=torch.Generator().manual_seed(1))
    size = save(model, tmp_path / "file")
    again = load(tmp_path / "file", Sdpa().mixer, CPU, layers=[Fp8Linear])
    assert torch.equal(again(tokens), model(tokens))
    assert nonzero_count(again) == nonzero_count(model)
    assert (size < save(in_fp8(dtype, 0), tmp_path / "whole")) == (zeros > 0)
