"""Two LSTMs that compute the same: gates one by one, and gates as one product.

Equations and order of gates (input, forget, cell, output) as in torch.nn.LSTM, whose second,
redundant bias they leave out.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import nn

from harness.model.mixer import LayerState, TokenMixer
from harness.model.shape import Shape

GATES = ("input", "forget", "cell", "output")


class Memory(LayerState):
    """What the last token left: `hidden` and `cell`, [B, D] each."""

    def __init__(self, hidden: torch.Tensor, cell: torch.Tensor) -> None:
        self.hidden, self.cell = hidden, cell

    def remember(self, hidden: torch.Tensor, cell: torch.Tensor) -> None:
        """In place."""
        self.hidden.copy_(hidden)
        self.cell.copy_(cell)

    def snapshot(self, position: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Copies."""
        return self.hidden.clone(), self.cell.clone()

    def restore(self, snapshot: tuple[torch.Tensor, torch.Tensor]) -> None:
        """Copied back."""
        self.remember(*snapshot)


class LstmMixer(TokenMixer):
    """An LSTM of the model's width and an output projection."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self._width = shape.d_model
        self.out = nn.Linear(shape.d_model, shape.d_model)

    def new_state(
        self, batch: int, capacity: int, device: torch.device, dtype: torch.dtype
    ) -> Memory:
        """Nothing remembered."""
        hidden, cell = torch.zeros(2, batch, self._width, device=device, dtype=dtype)
        return Memory(hidden, cell)

    def forward(
        self, x: torch.Tensor, state: LayerState | None = None, past: int = 0
    ) -> torch.Tensor:
        """[B, T, D] -> [B, T, D]."""
        assert state is None or isinstance(state, Memory)
        before = None if state is None or past == 0 else (state.hidden, state.cell)
        hiddens, cell = self._recur(x.transpose(0, 1), before)  # [T, B, D], [B, D]
        if state is not None:
            state.remember(hiddens[-1], cell)
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


class NaiveLstmMixer(LstmMixer):
    """Eight products a token: of each gate, with the token and with the hidden state."""

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
        """[B, D] before its nonlinearity. At the beginning there is no hidden state yet."""
        given: torch.Tensor = self.of_token[gate](token)
        return given if hidden is None else given + self.of_hidden[gate](hidden)


class GemmLstmMixer(LstmMixer):
    """One product for all gates, and for all tokens together where no token waits for another."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.of_token = nn.Linear(shape.d_model, 4 * shape.d_model)
        self.of_hidden = nn.Linear(shape.d_model, 4 * shape.d_model, bias=False)

    def _recur(
        self, x: torch.Tensor, before: tuple[torch.Tensor, torch.Tensor] | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        given: torch.Tensor = self.of_token(x)  # [T, B, 4D]
        if before is None and torch.is_grad_enabled():
            hiddens, cells = _Recurrence.apply(given, self.of_hidden.weight)  # type: ignore[no-untyped-call]
            return hiddens, cells[-1]
        hidden, cell = before or (None, torch.zeros_like(x[0]))
        hiddens = []
        for token in given:
            gates = token if hidden is None else token + self.of_hidden(hidden)
            into, forget, new, out = gates.chunk(4, dim=-1)
            cell = forget.sigmoid() * cell + into.sigmoid() * new.tanh()
            hidden = out.sigmoid() * cell.tanh()
            hiddens.append(hidden)
        return torch.stack(hiddens), cell


class _Recurrence(torch.autograd.Function):
    """The recurrence over a whole sequence from an empty memory.

    The backward pass goes through the tokens only for what one must hand to the one before; it
    keeps the gradients of all gates, and the weights' is one product over all tokens.
    """

    @staticmethod
    def forward(
        ctx: Any, given: torch.Tensor, weight: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """[T, B, 4D] and [4D, D] -> hidden states and cells, [T, B, D] each."""
        width = weight.shape[1]
        gates = torch.empty_like(given)
        hiddens, cells, bent = (given.new_empty(*given.shape[:2], width) for _ in range(3))
        into, forget, new, out = (part.unbind() for part in gates.split(width, dim=-1))
        into_and_forget = gates[..., : 2 * width].unbind()
        across = weight.t()
        for t, (token, gate) in enumerate(zip(given.unbind(), gates.unbind(), strict=True)):
            if t:
                torch.addmm(token, hiddens[t - 1], across, out=gate)
            else:
                gate.copy_(token)
            into_and_forget[t].sigmoid_()
            new[t].tanh_()
            out[t].sigmoid_()
            cell = torch.mul(into[t], new[t], out=cells[t])
            if t:
                cell.addcmul_(forget[t], cells[t - 1])
            torch.mul(out[t], torch.tanh(cell, out=bent[t]), out=hiddens[t])
        ctx.save_for_backward(weight, gates, hiddens, cells, bent)
        ctx.mark_non_differentiable(cells)
        return hiddens, cells

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        weight, gates, hiddens, cells, bent = ctx.saved_tensors
        width = weight.shape[1]
        into, forget, new, out = gates.split(width, dim=-1)  # each [T, B, D]
        earlier = torch.cat((torch.zeros_like(cells[:1]), cells[:-1]))
        # How much each gate's sum moves its token's cell, the cell its hidden state, and so on.
        by_cell = torch.stack(
            (
                new * into * (1 - into),
                earlier * forget * (1 - forget),
                into * (1 - new * new),
            ),
            dim=2,
        ).unbind()  # each [B, 3, D]
        by_hidden = (bent * out * (1 - out)).unbind()
        to_cell = (out * (1 - bent * bent)).unbind()
        kept = forget.unbind()
        to_gates = torch.empty_like(gates)
        first_three = to_gates.unflatten(-1, (4, width))[:, :, :3].unbind()
        last = to_gates[..., 3 * width :].unbind()
        steps, wanted = to_gates.unbind(), grads[0].unbind()
        hidden, cell = wanted[-1], torch.zeros_like(cells[0])
        for t in reversed(range(len(steps))):
            cell = torch.addcmul(cell, hidden, to_cell[t])
            torch.mul(cell.unsqueeze(1), by_cell[t], out=first_three[t])
            torch.mul(hidden, by_hidden[t], out=last[t])
            if t:
                cell = cell * kept[t]
                hidden = torch.addmm(wanted[t - 1], steps[t], weight)
        across = to_gates[1:].flatten(0, 1).t() @ hiddens[:-1].flatten(0, 1)
        return to_gates, across
