"""Turns a whole model into this rank's part of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.distributed.replicas import average_gradients, shard_parameters
from harness.distributed.split import Split, mesh_of
from harness.model.transformer import Transformer
from harness.timer import Timer

if TYPE_CHECKING:
    import torch

Change = Callable[[Split], None]


@dataclass(frozen=True)
class Whole:
    """A whole model, and the changes by which the strategies split it, in order."""

    core: Transformer
    degrees: Mapping[str, int]
    changes: Sequence[Change]
    device: torch.device
    trains: bool
    timer: Timer

    def split(self) -> Split:
        """A Split that no strategy has changed yet, without a mesh of ranks."""
        return Split(self.core, self.device, self.degrees, self.trains, self.timer)

    def change(self, split: Split) -> None:
        """Applies the strategies' changes, the innermost first."""
        for change in self.changes:
            change(split)


def exchange_gradients(split: Split) -> None:
    """Lets torch average or scatter gradients among the ranks that see different tokens."""
    if split.has("shard"):
        shard_parameters(split)
    elif split.has("data") or split.has("context"):
        average_gradients(split)


def split_model(whole: Whole, exchange: Change = exchange_gradients) -> Split:
    """Applies the strategies' changes and, for training, the exchange of gradients."""
    split = whole.split()
    split.mesh = mesh_of(whole.degrees, whole.device)
    whole.change(split)
    if whole.trains:
        exchange(split)
    return split
