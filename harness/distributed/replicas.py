"""Replicas that share a batch: whole on every rank (DDP), or their parameters split (FSDP2)."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial

from torch.distributed._composable.replicate_with_fsdp import replicate
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.nn.parallel import DistributedDataParallel

from harness.distributed.split import Split


def average_gradients(split: Split) -> None:
    """Average gradients over the ranks that see other tokens.

    By DistributedDataParallel (Li et al. 2020, arXiv 2006.15704); where parameters are split by
    another strategy too, by its composable form.
    """
    mesh = split.over("data", "context")
    assert mesh is not None
    if not split.has("tensor") and not split.has("pipeline"):
        model = DistributedDataParallel(split.core, process_group=mesh.get_group())
        split.parts = [model]
        split.exchanging = lambda last: nullcontext() if last else model.no_sync()
        return
    for part in split.parts:
        replicate(part, mesh=mesh)
    split.exchanging = partial(_exchanging, split)


def shard_parameters(split: Split) -> None:
    """Each rank keeps a share of parameters, gradients and moments (FSDP2 `fully_shard`).

    A block's parameters are gathered just before it works, and its gradients scattered after
    (Zhao et al. 2023, arXiv 2304.11277; ZeRO-3, Rajbhandari et al. 2020, arXiv 1910.02054).
    Ranks that replicate the whole are a second dimension.
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
    split.exchanging = partial(_exchanging, split)


def _exchanging(split: Split, last: bool) -> AbstractContextManager[None]:
    for part in split.parts:
        assert isinstance(part, FSDPModule)
        part.set_requires_gradient_sync(last)
    return nullcontext()
