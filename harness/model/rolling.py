"""A decode state of constant size: the last tokens, the oldest overwritten by the newest."""

from __future__ import annotations

import torch

from harness.model.mixer import LayerState


class Rolling(LayerState):
    """The last `size` rows of some width, in place: [..., size, d]. Row t stands at t % size."""

    def __init__(self, memory: torch.Tensor) -> None:
        self._memory = memory
        self._size = memory.shape[-2]

    def last(self, count: int, past: int) -> torch.Tensor:
        """[..., count, d]: the last ones of `past`, oldest first; at most `size` and `past`."""
        return self._memory[..., self._places(past - count, past), :]

    def held(self, past: int) -> torch.Tensor:
        """[..., min(past, size), d]: all there are, as a view, in no order."""
        return self._memory[..., : min(past, self._size), :]

    def add(self, rows: torch.Tensor, past: int) -> None:
        """[..., T, d], behind `past` ones."""
        length = rows.shape[-2]
        if length == 1:  # a decode step: without a list of places
            place = past % self._size
            self._memory[..., place : place + 1, :] = rows
            return
        kept = min(length, self._size)
        end = past + length
        self._memory[..., self._places(end - kept, end), :] = rows[..., length - kept :, :]

    def snapshot(self, position: int) -> torch.Tensor:
        """A copy: rows before a position are overwritten behind it."""
        return self._memory.clone()

    def restore(self, snapshot: torch.Tensor) -> None:
        """Copied back."""
        self._memory.copy_(snapshot)

    def _places(self, first: int, end: int) -> torch.Tensor:
        return torch.arange(first, end, device=self._memory.device) % self._size
