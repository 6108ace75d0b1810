"""A ring buffer as decode state: of constant size, the newest token overwrites the oldest."""

from __future__ import annotations

import torch

from harness.model.mixer import LayerState


class Rolling(LayerState):
    """The last `size` rows, written in place: [..., size, d]. Row t is at index t % size."""

    def __init__(self, memory: torch.Tensor) -> None:
        self._memory = memory
        self._size = memory.shape[-2]

    def last(self, count: int, past: int) -> torch.Tensor:
        """[..., count, d]: the last `count` of `past` rows, oldest first; at most `size` rows."""
        return self._memory[..., self._indices(past - count, past), :]

    def held(self, past: int) -> torch.Tensor:
        """[..., min(past, size), d]: a view of all rows, in no particular order."""
        return self._memory[..., : min(past, self._size), :]

    def add(self, rows: torch.Tensor, past: int) -> None:
        """Write the rows [..., T, d] after `past` rows."""
        length = rows.shape[-2]
        if length == 1:  # a decode step needs no index tensor
            index = past % self._size
            self._memory[..., index : index + 1, :] = rows
            return
        kept = min(length, self._size)
        end = past + length
        self._memory[..., self._indices(end - kept, end), :] = rows[..., length - kept :, :]

    def snapshot(self, position: int) -> torch.Tensor:
        """A copy, because later tokens overwrite earlier rows."""
        return self._memory.clone()

    def restore(self, snapshot: torch.Tensor) -> None:
        """Copies the snapshot back."""
        self._memory.copy_(snapshot)

    def _indices(self, first: int, end: int) -> torch.Tensor:
        return torch.arange(first, end, device=self._memory.device) % self._size
