"""A whole model in, this rank's part of it out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from harness.distributed.replicas import average_gradients, shard_parameters
from harness.distributed.split import Split, mesh_of
from harness.model.transformer import Transformer

if TYPE_CHECKING:
    import torch


def split_model(
    core: Transformer,
    degrees: Mapping[str, int],
    changes: Iterable[Callable[[Split], None]],
    device: torch.device,
    *,
    trains: bool,
) -> Split:
    """Apply strategies' changes, the innermost first; then have gradients exchanged."""
    split = Split(core, device, degrees, trains, mesh_of(degrees, device))
    for change in changes:
        change(split)
    if trains and split.has("shard"):
        shard_parameters(split)
    elif trains and (split.has("data") or split.has("context")):
        average_gradients(split)
    return split
