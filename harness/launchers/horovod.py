"""Horovod: data parallelism by ring all-reduce, over Gloo.

Its optimizer all-reduces each gradient as soon as the backward pass has computed it, and waits for
all of them before it steps (Sergeev and Del Balso 2018, arXiv 1802.05799). The round's own process
runs the rendezvous server, on loopback and a free port.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from harness import hardware
from harness.domain.cell import Cell
from harness.launchers import Launcher, RankHandles, RankMain, register

if TYPE_CHECKING:
    import torch

    from harness.distributed.assemble import Whole
    from harness.distributed.split import Split

# Horovod's own message (horovod/torch/mpi_ops.py).
NO_BF16 = "Tensor type torch.BFloat16Tensor is not supported."


@register("horovod", "Horovod: ring all-reduce, data parallel")
class Horovod(Launcher):
    """Wraps Horovod's distributed optimizer around torch's."""

    package = "horovod"
    modules = ("horovod.torch", "horovod.runner.http.http_server")
    strategies = ("data",)
    only_trains = True

    def refuses(self, cell: Cell, degrees: Mapping[str, int]) -> str | None:
        """Refuses bf16, which Horovod lacks, and GPUs: `make launchers` builds it without CUDA."""
        if hardware.registry.of(cell.hardware).kind == "cuda":
            return "horovod is compiled for processors only (Makefile)"
        if cell.precision.name == "bf16":
            return NO_BF16
        return super().refuses(cell, degrees)

    @contextmanager
    def started(self, world: int, main: RankMain, folder: Path) -> Iterator[RankHandles]:
        """Forks the ranks first: the rendezvous server's thread must not exist at a fork."""
        from horovod.runner.common.util.hosts import get_host_assignments, parse_hosts
        from horovod.runner.http.http_server import RendezvousHandler, RendezvousHTTPServer

        server: Any = RendezvousHTTPServer(("127.0.0.1", 0), RendezvousHandler, 0)
        server.init(get_host_assignments(parse_hosts(f"localhost:{world}"), world))
        joining = partial(_joining, server, world, main)
        with server, super().started(world, joining, folder) as handles:
            serving = Thread(target=server.serve_forever, daemon=True)
            serving.start()
            try:
                yield handles
            finally:
                server.shutdown()
                serving.join()

    def enter(self) -> None:
        """Joins the other ranks through the rendezvous server."""
        import horovod.torch as hvd

        hvd.init()

    def assemble(self, whole: Whole) -> Split:
        """The whole model on each rank. Horovod's optimizer averages gradients."""
        from harness.distributed.assemble import split_model

        return split_model(whole, _average)


def _joining(server: Any, world: int, main: RankMain, rank: int) -> None:
    """Runs the rank in an environment with the rendezvous server's address."""
    place = {"RANK": rank, "LOCAL_RANK": rank, "CROSS_RANK": 0}
    size = {"SIZE": world, "LOCAL_SIZE": world, "CROSS_SIZE": 1}
    os.environ |= {f"HOROVOD_{name}": str(number) for name, number in {**place, **size}.items()}
    os.environ |= {
        "HOROVOD_CONTROLLER": "gloo",
        "HOROVOD_CPU_OPERATIONS": "gloo",
        "HOROVOD_GLOO_IFACE": "lo",
        "HOROVOD_GLOO_RENDEZVOUS_ADDR": "127.0.0.1",
        "HOROVOD_GLOO_RENDEZVOUS_PORT": str(server.server_port),
        "HOROVOD_HOSTNAME": "localhost",
        "HOROVOD_LOG_LEVEL": "fatal",  # Horovod also raises the errors that it logs
    }
    server.socket.close()  # only the parent serves
    main(rank)


def _average(split: Split) -> None:
    import horovod.torch as hvd

    from harness.distributed.count import record

    class Counted(hvd.Compression.none):  # type: ignore[misc]
        """Compresses nothing, but counts the bytes of each gradient."""

        @staticmethod
        def compress(tensor: torch.Tensor) -> tuple[torch.Tensor, None]:
            record("all_reduce", tensor.nbytes)
            return tensor, None

    hvd.broadcast_parameters(split.core.state_dict(), root_rank=0)

    def distributed(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
        wrapped: torch.optim.Optimizer = hvd.DistributedOptimizer(
            optimizer,
            named_parameters=split.core.named_parameters(),
            compression=Counted,
            backward_passes_per_step=split.accumulate,
        )
        return wrapped

    split.optimizer = distributed
