"""The interface of every torch model, built in or a user's own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol

import torch
from torch import nn

from harness.model.shape import BaseShape


class State(Protocol):
    """A decode state: what a model keeps about the tokens that it has read."""

    def rewind(self, position: int = 0) -> None:
        """Forget all tokens."""

    def snapshot(self) -> Any:
        """A copy of the present state, which can be restored any number of times."""

    def restore(self, snapshot: Any) -> None:
        """Return to the state of the snapshot."""

    def bytes(self) -> int | None:
        """Bytes allocated for the state; None if unknown."""


class LanguageModel(nn.Module, ABC):
    """Maps token ids to logits.

    - `model(tokens, state=state)` reads a prompt if the state is empty; each further call reads the
      tokens after it. Returns logits, or what the architecture has instead, such as embeddings.
    - `model(tokens)` scores every position, as in training; `training_batch` makes the targets.
    """

    shape: BaseShape
    decodes: bool = True  # False if it keeps no decode state: it can only read prompts

    @abstractmethod
    def forward(
        self, tokens: torch.Tensor, state: Any = None, last_only: bool = False
    ) -> torch.Tensor:
        """[B, T] token ids -> [B, T, vocab] logits, or [B, 1, vocab] of the last token alone."""

    @abstractmethod
    def new_state(self, batch: int, capacity: int, further: int = 0) -> State:
        """An empty decode state for `batch` sequences of up to `capacity` tokens.

        `further` of them come after the prompt.
        """

    def training_batch(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """[B, T + 1] token ids -> inputs and targets, each [B, T].

        Each token predicts the next. The loss ignores targets of -100.
        """
        return tokens[:, :-1], tokens[:, 1:]
