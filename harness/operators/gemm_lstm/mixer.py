"""An LSTM that computes all gates in one product, with its own backward pass."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from harness.model.lstm import LstmMixer
from harness.model.shape import Shape


class GemmLstmMixer(LstmMixer):
    """One product for all gates, over all tokens at once where the recurrence permits."""

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
    """The recurrence over a whole sequence from an empty state.

    The backward pass goes token by token only for the gradients of hidden state and cell. It keeps
    the gradients of all gates, so that the weights' gradient is one product over all tokens.
    """

    @staticmethod
    def forward(
        ctx: Any, given: torch.Tensor, weight: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """[T, B, 4D] and [4D, D] -> hidden states and cells, [T, B, D] each."""
        width = weight.shape[1]
        gates = torch.empty_like(given)
        hiddens, cells, squashed = (given.new_empty(*given.shape[:2], width) for _ in range(3))
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
            torch.mul(out[t], torch.tanh(cell, out=squashed[t]), out=hiddens[t])
        ctx.save_for_backward(weight, gates, hiddens, cells, squashed)
        ctx.mark_non_differentiable(cells)
        return hiddens, cells

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        weight, gates, hiddens, cells, squashed = ctx.saved_tensors
        width = weight.shape[1]
        into, forget, new, out = gates.split(width, dim=-1)  # each [T, B, D]
        earlier = torch.cat((torch.zeros_like(cells[:1]), cells[:-1]))
        # Derivatives: of a token's cell and hidden state by its gates' sums, and so on.
        by_cell = torch.stack(
            (
                new * into * (1 - into),
                earlier * forget * (1 - forget),
                into * (1 - new * new),
            ),
            dim=2,
        ).unbind()  # each [B, 3, D]
        by_hidden = (squashed * out * (1 - out)).unbind()
        to_cell = (out * (1 - squashed * squashed)).unbind()
        kept = forget.unbind()
        to_gates = torch.empty_like(gates)
        first_three = to_gates.unflatten(-1, (4, width))[:, :, :3].unbind()
        last = to_gates[..., 3 * width :].unbind()
        steps, upstream = to_gates.unbind(), grads[0].unbind()
        hidden, cell = upstream[-1], torch.zeros_like(cells[0])
        for t in reversed(range(len(steps))):
            cell = torch.addcmul(cell, hidden, to_cell[t])
            torch.mul(cell.unsqueeze(1), by_cell[t], out=first_three[t])
            torch.mul(hidden, by_hidden[t], out=last[t])
            if t:
                cell = cell * kept[t]
                hidden = torch.addmm(upstream[t - 1], steps[t], weight)
        across = to_gates[1:].flatten(0, 1).t() @ hiddens[:-1].flatten(0, 1)
        return to_gates, across
