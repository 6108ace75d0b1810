"""What a model takes, as it stands in memory."""

from __future__ import annotations

import torch
from torch import nn

from harness.compression.int8_dynamic import Int8Dynamic
from harness.model.cost import dense_weights
from harness.model.measure import model_bytes, parameter_count, weights_of
from harness.model.packed import PackedLinear
from harness.model.sizes import SIZES
from harness.model.transformer import build
from harness.operators.sdpa import Sdpa
from harness.quality.text import RandomText


class Tied(nn.Module):
    """Two layers of one weight, and a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(4, 4, bias=False)
        self.other = nn.Linear(4, 4, bias=False)
        self.other.weight = self.one.weight
        self.register_buffer("scale", torch.ones(3))


def test_a_shared_parameter_counts_once() -> None:
    assert parameter_count(Tied()) == 16


def test_buffers_are_bytes_but_no_parameters() -> None:
    assert model_bytes(Tied()) == (16 + 3) * 4


def test_half_precision_takes_half_the_bytes() -> None:
    assert model_bytes(Tied().to(torch.bfloat16)) == (16 + 3) * 2


def test_packed_weights_are_read_at_their_packed_size() -> None:
    """A byte a weight; norms, biases and embeddings stay in fp32."""
    shape = SIZES["nano"].shape
    model = build(shape, Sdpa().mixer, device=torch.device("cpu"))
    matrices = sum(
        one.weight.numel() for one in model.blocks.modules() if isinstance(one, nn.Linear)
    )
    dense = weights_of(model)
    packed = weights_of(Int8Dynamic().apply(model, RandomText(9)))
    assert dense == dense_weights(shape, Sdpa(), 4)
    scales = 16 * sum(  # bytes: a scale and a zero point for each output channel
        one.out_features for one in model.blocks.modules() if isinstance(one, PackedLinear)
    )
    assert packed.body == dense.body - 3 * matrices + scales
    assert packed.head == dense.head / 4 + 16 * shape.vocab
    assert packed.row == dense.row
