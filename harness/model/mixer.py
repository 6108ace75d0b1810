"""What a layer's token mixer is to the Transformer: tokens in, tokens out, a state for decode."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import nn

from harness.model.shape import Shape


class LayerState(ABC):
    """What one layer remembers of the tokens before, e.g. a KV cache."""

    @abstractmethod
    def snapshot(self, position: int) -> Any:
        """What `restore` needs to come back to this position."""

    @abstractmethod
    def restore(self, snapshot: Any) -> None:
        """Be as at the snapshot."""


class TokenMixer(nn.Module, ABC):
    """Lets each token of a layer see the ones before it. Owns its projections."""

    @abstractmethod
    def new_state(
        self, batch: int, capacity: int, device: torch.device, dtype: torch.dtype
    ) -> LayerState:
        """An empty state for `batch` sequences of up to `capacity` tokens."""

    @abstractmethod
    def forward(
        self, x: torch.Tensor, state: LayerState | None = None, past: int = 0
    ) -> torch.Tensor:
        """[B, T, D] -> [B, T, D], the T tokens standing behind `past` ones in the state.

        Without a state the T tokens are all there is. With one, they are added to it.
        """

    @property
    @abstractmethod
    def residual_projection(self) -> nn.Linear:
        """The last projection, whose initialisation is scaled down by the depth."""


MixerFactory: TypeAlias = Callable[[Shape, int], TokenMixer]
