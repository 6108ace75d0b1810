"""An LSTM that computes its gates one by one."""

from __future__ import annotations

import torch
from torch import nn

from harness.model.lstm import GATES, LstmMixer
from harness.model.shape import Shape


class NaiveLstmMixer(LstmMixer):
    """Eight products per token: each gate with the token and with the hidden state."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        width = shape.d_model
        self.of_token = nn.ModuleDict({gate: nn.Linear(width, width) for gate in GATES})
        self.of_hidden = nn.ModuleDict(
            {gate: nn.Linear(width, width, bias=False) for gate in GATES}
        )

    def _recur(
        self, x: torch.Tensor, before: tuple[torch.Tensor, torch.Tensor] | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        hidden, cell = before or (None, torch.zeros_like(x[0]))
        hiddens = []
        for token in x:
            gates = {gate: self._gate(gate, token, hidden) for gate in GATES}
            written = gates["input"].sigmoid() * gates["cell"].tanh()
            cell = gates["forget"].sigmoid() * cell + written
            hidden = gates["output"].sigmoid() * cell.tanh()
            hiddens.append(hidden)
        return torch.stack(hiddens), cell

    def _gate(self, gate: str, token: torch.Tensor, hidden: torch.Tensor | None) -> torch.Tensor:
        """[B, D], before the nonlinearity. The first token has no hidden state."""
        given: torch.Tensor = self.of_token[gate](token)
        return given if hidden is None else given + self.of_hidden[gate](hidden)
