"""Data parallelism: whole replicas on every rank (DDP), or sharded parameters (FSDP2)."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial

from torch.distributed._composable.replicate_with_fsdp import replicate
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.nn.parallel import DistributedDataParallel

from harness.distributed.split import Split


def average_gradients(split: Split) -> None:
    """Averages gradients over the ranks that see different tokens.

    Uses DistributedDataParallel (Li et al. 2020, arXiv 2006.15704), or its composable form if
    another strategy splits parameters too.
    """
    mesh = split.over("data", "context")
    assert mesh is not None
    if not split.has("tensor") and not split.has("pipeline"):
        model = DistributedDataParallel(split.core, process_group=mesh.get_group())
        split.parts = [model]
        split.gradient_sync = lambda last: nullcontext() if last else model.no_sync()
        return
    for part in split.parts:
        replicate(part, mesh=mesh)
    split.gradient_sync = partial(_gradient_sync, split)


def shard_parameters(split: Split) -> None:
    """Shards parameters, gradients and moments over the ranks (FSDP2 `fully_shard`).

    A block's parameters are gathered just before it runs, and its gradients are scattered after
    (Zhao et al. 2023, arXiv 2304.11277; ZeRO-3, Rajbhandari et al. 2020, arXiv 1910.02054).
    Replicas of the whole model are a second dimension of the mesh.
    """
    shards = split.over("shard", "context")
    assert shards is not None
    assert split.mesh is not None
    mesh = shards
    if split.has("data"):
        names = (*split.mesh["data"].mesh_dim_names, *shards.mesh_dim_names)  # type: ignore[misc]
        mesh = split.mesh[names]
    for part in split.parts:
        for block in part.get_submodule("blocks").children():
            fully_shard(block, mesh=mesh)
        fully_shard(part, mesh=mesh)
    split.gradient_sync = partial(_gradient_sync, split)


def _gradient_sync(split: Split, last: bool) -> AbstractContextManager[None]:
    for part in split.parts:
        assert isinstance(part, FSDPModule)
        part.set_requires_gradient_sync(last)
    return nullcontext()
