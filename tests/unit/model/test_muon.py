"""Muon, beside torch's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
import torch

from harness.model import muon
from harness.model.muon import Muon, orthogonal

SHAPES = [(8, 8), (8, 32), (32, 8)]
Make = Callable[[Iterable[torch.Tensor]], torch.optim.Optimizer]


def trained(make: Make) -> list[torch.Tensor]:
    """Matrices after some steps with the same gradients."""
    generator = torch.Generator().manual_seed(1)
    matrices = [torch.randn(shape, generator=generator) for shape in SHAPES]
    optimizer = make(matrices)
    for _ in range(4):
        for one in matrices:
            one.grad = torch.randn(one.shape, generator=generator)
        optimizer.step()
    return matrices


def theirs(matrices: Iterable[torch.Tensor]) -> torch.optim.Optimizer:
    return torch.optim.Muon(matrices, lr=0.02, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")


def ours(matrices: Iterable[torch.Tensor]) -> torch.optim.Optimizer:
    return Muon(matrices, lr=0.02, weight_decay=0.01)


@pytest.mark.parametrize(("dtype", "near"), [(torch.bfloat16, 0.0), (torch.float32, 0.01)])
def test_it_computes_what_torchs_does(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, near: float
) -> None:
    """To the bit in bfloat16; in fp32 but for what bfloat16 rounds off."""
    monkeypatch.setattr(muon, "_format", lambda device: dtype)
    for mine, other in zip(trained(ours), trained(theirs), strict=True):
        assert (mine - other).norm() <= near * other.norm()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_an_update_is_nearly_orthogonal(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(2))
    values = torch.linalg.svdvals(orthogonal(matrix, torch.float32))
    assert values.min() > 0.5
    assert values.max() < 1.5


def test_what_has_no_gradient_is_left_alone() -> None:
    matrix = torch.ones(4, 4)
    Muon([matrix], lr=1.0, weight_decay=0.5).step()
    assert matrix.equal(torch.ones(4, 4))
