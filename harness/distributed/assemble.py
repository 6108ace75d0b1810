"""A whole model in, this rank's part of it out."""

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
    """A model before it is split, and how it is to be: by the strategies' changes, in order."""

    core: Transformer
    degrees: Mapping[str, int]
    changes: Sequence[Change]
    device: torch.device
    trains: bool
    timer: Timer

    def split(self) -> Split:
        """Nothing is changed yet, and ranks are in no grid."""
        return Split(self.core, self.device, self.degrees, self.trains, self.timer)

    def change(self, split: Split) -> None:
        """The innermost strategy's first."""
        for change in self.changes:
            change(split)


def exchange_gradients(split: Split) -> None:
    """Have torch average or scatter the gradients of ranks that see other tokens."""
    if split.has("shard"):
        shard_parameters(split)
    elif split.has("data") or split.has("context"):
        average_gradients(split)


def split_model(whole: Whole, exchange: Change = exchange_gradients) -> Split:
    """Apply strategies' changes; then have gradients exchanged."""
    split = whole.split()
    split.mesh = mesh_of(whole.degrees, whole.device)
    whole.change(split)
    if whole.trains:
        exchange(split)
    return split
