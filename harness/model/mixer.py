"""What a layer's token mixer is to the Transformer: tokens in, tokens out, a state for decode."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
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

    def bytes(self) -> int:
        """Bytes of the tensors it holds, memory that several share once.

        A state that keeps tensors elsewhere than in its attributes says so by its own method.
        """
        storages = {
            one.untyped_storage().data_ptr(): one.untyped_storage().nbytes()
            for one in _tensors(vars(self).values())
        }
        return sum(storages.values())


def _tensors(values: Iterable[Any]) -> Iterator[torch.Tensor]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _tensors(value)
        elif isinstance(value, dict):
            yield from _tensors(value.values())


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
