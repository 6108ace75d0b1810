"""What a model takes, as it stands in memory."""

from __future__ import annotations

import torch
from torch import nn

from harness.model.measure import model_bytes, parameter_count


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
