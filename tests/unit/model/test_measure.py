"""What a model takes, as it stands in memory."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from harness import compression
from harness.compression.int8_dynamic import Int8Dynamic
from harness.model.build import build
from harness.model.cost import Work, dense_weights
from harness.model.measure import executed_flops, model_bytes, parameter_count, weights_of
from harness.model.packed import PackedLinear
from harness.model.sizes import SIZES
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


@pytest.mark.usefixtures("countable")
@pytest.mark.parametrize("past", [0, 24])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("none", {}),
        ("heads", {"fraction": 0.5}),
        ("channels", {"fraction": 0.5}),
        ("layers", {"fraction": 0.5}),
        ("share-layers", {}),
        ("svd", {"rank": 0.25}),
        ("block", {"density": 0.5, "rows": 16}),
        ("magnitude", {}),
    ],
)
def test_flops_of_a_model_as_it_stands_are_those_that_torch_counts(
    name: str, options: dict[str, Any], past: int
) -> None:
    """Whatever was taken out of it."""
    shape = SIZES["nano"].shape
    model = build(shape, Sdpa().mixer, device=torch.device("cpu"))
    if name != "none":
        entry = compression.registry[name]
        model = entry(entry.Options(**options)).apply(model, RandomText(shape.vocab))
    state = model.new_state(2, past + 8)
    with torch.inference_mode():
        if past:
            model(torch.zeros(2, past, dtype=torch.long), state=state)
        with FlopCounterMode(display=False) as counter:
            model(torch.zeros(2, 8, dtype=torch.long), state=state, last_only=True)
    assert executed_flops(model, Sdpa(), [Work(2, 8, past)]) == counter.get_total_flops()
