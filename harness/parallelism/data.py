"""Data parallel: every process holds the whole model and takes a share of the batch.

In training the gradients are averaged by all-reduce while the backward pass still runs
(Li et al. 2020, "PyTorch Distributed", arXiv 2006.15704). In inference nothing is exchanged:
it is replicated serving.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from harness.domain.cell import Cell
from harness.domain.entry import Options
from harness.domain.run import Host
from harness.parallelism import Parallelism, Rank, register

if TYPE_CHECKING:
    import torch
    from torch import nn


@register("data", "every process holds the model and takes a share of the batch (DDP)")
class Data(Parallelism):
    """Replicas over `degree` processes."""

    class Options(Options):
        """How many replicas."""

        degree: int = Field(ge=1, le=4096, description="processes; must divide the batch")

    @property
    def degree(self) -> int:
        """As given."""
        degree: int = self.options.degree
        return degree

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """Processes beyond the cores would measure the scheduler."""
        if self.degree > host.logical_cores:
            return f"asks for {self.degree} processes; this host has {host.logical_cores} cores"
        return None

    def shard(self, batch: int) -> int:
        """An equal share."""
        return batch // self.degree

    def wrap(self, model: nn.Module, device: torch.device, rank: Rank, train: bool) -> nn.Module:
        """DDP for training; the replica itself for inference."""
        if not train:
            return model
        from torch.nn.parallel import DistributedDataParallel

        return DistributedDataParallel(model)
