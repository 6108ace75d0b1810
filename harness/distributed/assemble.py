"""A whole model in, this rank's part of it out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from harness.distributed.replicas import average_gradients, shard_parameters
from harness.distributed.split import Split, mesh_of
from harness.model.transformer import Transformer

if TYPE_CHECKING:
    import torch

Change = Callable[[Split], None]


def exchange_gradients(split: Split) -> None:
    """Have torch average or scatter the gradients of ranks that see other tokens."""
    if split.has("shard"):
        shard_parameters(split)
    elif split.has("data") or split.has("context"):
        average_gradients(split)


def split_model(
    core: Transformer,
    degrees: Mapping[str, int],
    changes: Iterable[Change],
    device: torch.device,
    *,
    trains: bool,
    exchange: Change = exchange_gradients,
) -> Split:
    """Apply strategies' changes, the innermost first; then have gradients exchanged."""
    split = Split(core, device, degrees, trains, mesh_of(degrees, device))
    for change in changes:
        change(split)
    if trains:
        exchange(split)
    return split
