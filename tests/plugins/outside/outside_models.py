"""Models of a user's own: functions that build torch modules, as a spec's `factory` names them."""

from __future__ import annotations

import torch
from torch import nn


class GruState:
    """What a GRU remembers: one vector a layer, whatever the number of tokens."""

    def __init__(self, hidden: torch.Tensor) -> None:
        self.hidden = self._empty = hidden  # [layers, B, D]

    def reset(self) -> None:
        """Forget all tokens."""
        self.hidden = self._empty

    def snapshot(self) -> torch.Tensor:
        """Each step makes a new tensor, so that this one keeps."""
        return self.hidden

    def restore(self, snapshot: torch.Tensor) -> None:
        """Return to the snapshot."""
        self.hidden = snapshot

    def bytes(self) -> int:
        """As allocated."""
        return self.hidden.nbytes


class Gru(nn.Module):
    """A recurrent language model, its head tied to its embedding."""

    def __init__(self, vocab: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab, width)
        self.gru = nn.GRU(width, width, batch_first=True)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.head = nn.Linear(width, vocab, bias=False)
        self.head.weight = self.embedding.weight

    def new_state(self, batch: int, capacity: int) -> GruState:
        """An empty one."""
        weight = self.embedding.weight
        return GruState(weight.new_zeros(1, batch, self.gru.hidden_size))

    def forward(self, tokens: torch.Tensor, state: GruState | None = None) -> torch.Tensor:
        """[B, T] -> [B, T, V]."""
        before = None if state is None else state.hidden
        x, hidden = self.gru(self.embedding(tokens), before)
        if state is not None:
            state.hidden = hidden
        x = x + self.down(torch.relu(self.up(x)))
        logits: torch.Tensor = self.head(x)
        return logits


class Bigram(nn.Module):
    """The next token from the last one alone; it keeps no state."""

    def __init__(self, vocab: int) -> None:
        super().__init__()
        self.table = nn.Embedding(vocab, vocab)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """[B, T] -> [B, T, V]."""
        logits: torch.Tensor = self.table(tokens)
        return logits


class Amnesiac(Gru):
    """Wrong in one way: a step forgets all steps before it."""

    def forward(self, tokens: torch.Tensor, state: GruState | None = None) -> torch.Tensor:
        """As if each call were the first."""
        if state is not None:
            state.reset()
        return super().forward(tokens, state)


def gru(*, vocab: int, context: int, width: int = 32) -> nn.Module:
    """A model with a decode state of its own kind."""
    return Gru(vocab, width)


def bigram(*, vocab: int, context: int) -> nn.Module:
    """A model without a decode state."""
    return Bigram(vocab)


def amnesiac(*, vocab: int, context: int, width: int = 32) -> nn.Module:
    """A model whose decode state is wrong."""
    return Amnesiac(vocab, width)


def short(*, vocab: int, context: int) -> nn.Module:
    """A model that scores fewer tokens than it should."""
    return Bigram(vocab - 1)


def failing(*, vocab: int, context: int) -> nn.Module:
    """No model at all."""
    raise RuntimeError("the checkpoint is not there")
