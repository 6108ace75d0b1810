"""A decoder small enough for arithmetic by the thousand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from harness.model.build import build
from harness.model.shape import Shape
from harness.model.transformer import Transformer
from harness.operators.sdpa import Sdpa


@pytest.fixture
def shape() -> Shape:
    """No two dimensions alike, so that a transposed one shows."""
    return Shape(layers=3, d_model=48, heads=3, vocab=101, context=32, d_ff=80)


@pytest.fixture
def make_model(shape: Shape) -> Callable[..., Transformer]:
    """That decoder by fused attention, but for what is named."""

    def made(shape: Shape = shape, **options: Any) -> Transformer:
        return build(shape, Sdpa().mixer, device=torch.device("cpu"), **options)

    return made
