"""Lightning Fabric: its DDP, and its ModelParallelStrategy for FSDP2 and tensor parallel.

Fabric wraps the model, the optimizer and the backward pass (https://lightning.ai/docs/fabric). The
ranks join torch's process group beforehand, so that Fabric starts no processes.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from harness import hardware
from harness.domain.cell import Cell
from harness.domain.entry import Options
from harness.launchers import Launcher, register

if TYPE_CHECKING:
    import torch
    from torch.distributed.device_mesh import DeviceMesh

    from harness.distributed.assemble import Whole
    from harness.distributed.split import Split
    from harness.model.transformer import Transformer

OLD_FSDP = "the harness shards by FSDP2: leave out strategy"
# Fabric's own message (lightning/fabric/connector.py).
NO_FSDP = "You selected the FSDP strategy but FSDP is only available on GPU"
_PRECISIONS = {"float32": "32-true", "bfloat16": "bf16-true", "float16": "16-true"}


@register("lightning", "Lightning Fabric: DDP, FSDP2 and tensor parallel")
class Lightning(Launcher):
    """Fabric with its own strategies."""

    class Options(Options):
        """Which of Fabric's strategies to use."""

        strategy: Literal["auto", "fsdp"] = Field(
            "auto", description="`auto` follows the cell's split; `fsdp` is Fabric's classic FSDP"
        )

    package = "lightning"
    modules = ("lightning.fabric", "lightning.fabric.strategies")
    strategies = ("data", "shard", "tensor")
    only_trains = True

    def refuses(self, cell: Cell, degrees: Mapping[str, int]) -> str | None:
        """Refuses Fabric's classic FSDP, and strategies that Fabric cannot combine.

        Fabric runs classic FSDP on a GPU, but the harness shards by FSDP2 there too.
        """
        ways = set(degrees)
        if reason := super().refuses(cell, degrees):
            return reason
        if self.options.strategy == "fsdp":
            return OLD_FSDP if hardware.registry.of(cell.hardware).kind == "cuda" else NO_FSDP
        if "data" in ways and len(ways) > 1:
            return (
                "lightning's ModelParallelStrategy combines shard with tensor, and data with none"
            )
        return None

    def preload(self) -> None:
        """Imports Fabric, which takes four seconds, and silences its log."""
        super().preload()
        logging.getLogger("lightning.fabric").setLevel(logging.ERROR)

    def assemble(self, whole: Whole) -> Split:
        """This rank's part, wrapped by Fabric."""
        from lightning.fabric import Fabric
        from lightning.fabric.strategies import DDPStrategy, ModelParallelStrategy

        from harness.distributed.replicas import shard_parameters
        from harness.distributed.split import mesh_of

        split = whole.split()

        def parallelize(model: Transformer, mesh: DeviceMesh) -> Transformer:
            split.mesh = _renamed(mesh)
            whole.change(split)
            if split.has("shard"):
                shard_parameters(split)
            return model

        strategy: Any
        if split.has("data"):
            strategy = DDPStrategy()
            split.mesh = mesh_of(whole.degrees, whole.device)
            whole.change(split)
        else:
            shards, ways = split.degrees.get("shard", 1), split.degrees.get("tensor", 1)
            strategy = ModelParallelStrategy(
                parallelize, data_parallel_size=shards, tensor_parallel_size=ways
            )
        dtype = str(next(whole.core.parameters()).dtype).removeprefix("torch.")
        fabric: Any = Fabric(
            accelerator=whole.device.type,
            devices=_devices(whole.device),
            strategy=strategy,
            precision=_PRECISIONS[dtype],
            plugins=[_joined()],
        )
        fabric.launch()
        model = fabric.setup_module(whole.core)
        split.parts = [model]
        split.optimizer = fabric.setup_optimizers
        split.backward = fabric.backward
        split.gradient_sync = lambda last: fabric.no_backward_sync(model, enabled=not last)
        return split


def _devices(own: torch.device) -> int | list[int]:
    """The number of processes or, on GPUs, the index of each rank's GPU."""
    import torch.distributed as dist

    world = dist.get_world_size()
    if own.type != "cuda":
        return world
    first = own.index - dist.get_rank()
    return list(range(first, first + world))


def _renamed(mesh: DeviceMesh) -> DeviceMesh:
    """Lightning's mesh, with its two dimensions named after our strategies."""
    from torch.distributed.device_mesh import DeviceMesh

    groups = [mesh.get_group(name) for name in ("data_parallel", "tensor_parallel")]
    return DeviceMesh.from_group(
        groups, mesh.device_type, mesh=mesh.mesh, mesh_dim_names=("shard", "tensor")
    )


def _joined() -> Any:
    """A cluster environment in which the ranks have already joined torch's process group."""
    import torch.distributed as dist
    from lightning.fabric.plugins.environments import ClusterEnvironment

    class Joined(ClusterEnvironment):  # type: ignore[misc]
        creates_processes_externally = True
        main_address = "127.0.0.1"  # Fabric reads it but never connects to it
        main_port = 0

        @staticmethod
        def detect() -> bool:
            return dist.is_initialized()

        def world_size(self) -> int:
            return dist.get_world_size()

        def set_world_size(self, size: int) -> None:
            assert size == dist.get_world_size()

        def global_rank(self) -> int:
            return dist.get_rank()

        def set_global_rank(self, rank: int) -> None:
            assert rank == dist.get_rank()

        def local_rank(self) -> int:
            return dist.get_rank()

        def node_rank(self) -> int:
            return 0

    return Joined()
