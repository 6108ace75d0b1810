"""How a model is split over processes. One file an entry."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.domain.entry import Entry
from harness.registry import Registry

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class Rank:
    """Which of the cell's processes this is."""

    index: int = 0
    world: int = 1


ALONE = Rank()


class Parallelism(Entry):
    """A strategy with a degree; degrees of a combination multiply to the world size."""

    @property
    @abstractmethod
    def degree(self) -> int:
        """How many processes the strategy splits over."""

    @abstractmethod
    def shard(self, batch: int) -> int:
        """Sequences each process works on, of a global batch."""

    @abstractmethod
    def wrap(self, model: nn.Module, device: torch.device, rank: Rank, train: bool) -> nn.Module:
        """This rank's part of the model, called like the whole. The process group is up."""


registry: Registry[Parallelism] = Registry("parallelism", "parallelism")
register = registry.register
