"""What a decode state says it takes."""

from __future__ import annotations

from typing import Any

import torch

from harness.model.mixer import LayerState
from harness.model.transformer import DecodeState


class Kept(LayerState):
    """Tensors of all sorts: alone, in a list, in a dictionary, twice the same memory."""

    def __init__(self) -> None:
        self.alone = torch.zeros(4)
        self.listed = [torch.zeros(2), (torch.zeros(1),)]
        self.named = {"scale": torch.zeros(8, dtype=torch.bfloat16)}
        self.view = self.alone[1:]
        self.count = 3

    def snapshot(self, position: int) -> None:
        raise NotImplementedError

    def restore(self, snapshot: Any) -> None:
        raise NotImplementedError


def test_a_state_takes_what_its_tensors_take() -> None:
    """Memory that several share counts once."""
    assert Kept().bytes() == 4 * 4 + 2 * 4 + 4 + 8 * 2


def test_the_layers_add_up() -> None:
    assert DecodeState([Kept(), Kept()], capacity=1).bytes() == 2 * Kept().bytes()
