"""What every torch model is to the code that drives it, be it built in or a user's own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol

import torch
from torch import nn

from harness.model.shape import BaseShape


class State(Protocol):
    """A decode state: what a model remembers of the tokens it has read."""

    def rewind(self, position: int = 0) -> None:
        """Forget all tokens."""

    def snapshot(self) -> Any:
        """The present moment, to come back to any number of times."""

    def restore(self, snapshot: Any) -> None:
        """Return to the snapshot's moment."""

    def bytes(self) -> int | None:
        """Bytes allocated for the state; None if unknown."""


class LanguageModel(nn.Module, ABC):
    """Token ids in, logits out.

    - `model(tokens, state=state)` with an empty state reads a prompt, and each further call the
      tokens behind it. The output depends on the architecture: logits where it has any.
    - `model(tokens)` scores every position, as in training; `training_batch` makes its targets.
    """

    shape: BaseShape
    decodes: bool = True  # False if it keeps no decode state, and so reads prompts only

    @abstractmethod
    def forward(
        self, tokens: torch.Tensor, state: Any = None, last_only: bool = False
    ) -> torch.Tensor:
        """[B, T] token ids -> [B, T, vocab] logits, or [B, 1, vocab] of the last token alone."""

    @abstractmethod
    def new_state(self, batch: int, capacity: int, further: int = 0) -> State:
        """An empty decode state for `batch` sequences of up to `capacity` tokens.

        `further` of them come behind the prompt.
        """

    def training_batch(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """[B, T + 1] token ids -> inputs and targets, each [B, T].

        Each token predicts the next. A target of -100 is none.
        """
        return tokens[:, :-1], tokens[:, 1:]
