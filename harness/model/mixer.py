"""The interface of a layer's token mixer and of its decode state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import torch
from torch import nn

from harness.model.shape import Shape


class LayerState(ABC):
    """What one layer keeps about earlier tokens, e.g. a KV cache."""

    @abstractmethod
    def snapshot(self, position: int) -> Any:
        """Returns what `restore` needs to return to this position."""

    @abstractmethod
    def restore(self, snapshot: Any) -> None:
        """Return to the state of the snapshot."""

    def bytes(self) -> int:
        """Bytes of the tensors in its attributes; shared memory counts once.

        A state that keeps tensors elsewhere overrides this method.
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
    """Lets each token of a layer see earlier tokens. Includes its own projections."""

    @abstractmethod
    def new_state(
        self, batch: int, capacity: int, device: torch.device, dtype: torch.dtype
    ) -> LayerState:
        """An empty state for `batch` sequences of up to `capacity` tokens."""

    @abstractmethod
    def forward(
        self, x: torch.Tensor, state: LayerState | None = None, past: int = 0
    ) -> torch.Tensor:
        """[B, T, D] -> [B, T, D]: the T tokens follow `past` tokens in the state.

        The T tokens are added to the state. Without a state, they are the whole sequence.
        """

    @property
    @abstractmethod
    def residual_projection(self) -> nn.Linear:
        """The last projection, whose initialisation is scaled down by the depth."""


MixerFactory: TypeAlias = Callable[[Shape, int], TokenMixer]
