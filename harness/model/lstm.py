"""The base of LSTM token mixers, which compute the gates in different ways.

The equations and the order of the gates (input, forget, cell, output) are those of torch.nn.LSTM,
without its second bias, which is redundant.
"""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import nn

from harness.model.mixer import LayerState, TokenMixer
from harness.model.shape import Shape

GATES = ("input", "forget", "cell", "output")


class LstmState(LayerState):
    """The state after the last token: `hidden` and `cell`, [B, D] each."""

    def __init__(self, hidden: torch.Tensor, cell: torch.Tensor) -> None:
        self.hidden, self.cell = hidden, cell

    def write(self, hidden: torch.Tensor, cell: torch.Tensor) -> None:
        """Overwrite the state in place."""
        self.hidden.copy_(hidden)
        self.cell.copy_(cell)

    def snapshot(self, position: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Copies of `hidden` and `cell`."""
        return self.hidden.clone(), self.cell.clone()

    def restore(self, snapshot: tuple[torch.Tensor, torch.Tensor]) -> None:
        """Copies the snapshot back."""
        self.write(*snapshot)


class LstmMixer(TokenMixer):
    """An LSTM of the model's width and an output projection."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self._width = shape.d_model
        self.out = nn.Linear(shape.d_model, shape.d_model)

    def new_state(
        self, batch: int, capacity: int, device: torch.device, dtype: torch.dtype
    ) -> LstmState:
        """A state of zeros."""
        hidden, cell = torch.zeros(2, batch, self._width, device=device, dtype=dtype)
        return LstmState(hidden, cell)

    def forward(
        self, x: torch.Tensor, state: LayerState | None = None, past: int = 0
    ) -> torch.Tensor:
        """[B, T, D] -> [B, T, D]."""
        assert state is None or isinstance(state, LstmState)
        before = None if state is None or past == 0 else (state.hidden, state.cell)
        hiddens, cell = self._recur(x.transpose(0, 1), before)  # [T, B, D], [B, D]
        if state is not None:
            state.write(hiddens[-1], cell)
        out: torch.Tensor = self.out(hiddens.transpose(0, 1))
        return out

    @abstractmethod
    def _recur(
        self, x: torch.Tensor, before: tuple[torch.Tensor, torch.Tensor] | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """[T, B, D] -> all hidden states [T, B, D], and the last cell [B, D]."""

    @property
    def residual_projection(self) -> nn.Linear:
        """The output projection."""
        return self.out
