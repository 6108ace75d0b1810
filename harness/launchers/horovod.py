"""Horovod: data parallel by its ring all-reduce, over Gloo.

Its optimizer sends each gradient as soon as the backward pass has made it, and waits for all before
it steps (Sergeev and Del Balso 2018, arXiv 1802.05799). This process answers the ranks' rendezvous,
on loopback and whatever port is free.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from harness.domain.cell import Cell
from harness.launchers import Crew, Engine, Work, register

if TYPE_CHECKING:
    import torch

    from harness.distributed.assemble import Whole
    from harness.distributed.split import Split

# Its own words (horovod/torch/mpi_ops.py).
NO_BF16 = "Tensor type torch.BFloat16Tensor is not supported."


@register("horovod", "Horovod: ring all-reduce, data parallel")
class Horovod(Engine):
    """Its distributed optimizer around torch's."""

    package = "horovod"
    modules = ("horovod.torch", "horovod.runner.http.http_server")
    strategies = ("data",)
    only_trains = True

    def refuses(self, cell: Cell, degrees: Mapping[str, int]) -> str | None:
        """A number format that it does not know, and GPUs, for which it was not compiled."""
        if cell.hardware.name == "cuda":
            return "horovod is compiled for processors alone (Makefile)"
        if cell.precision.name == "bf16":
            return NO_BF16
        return super().refuses(cell, degrees)

    @contextmanager
    def started(self, world: int, work: Work, folder: Path) -> Iterator[Crew]:
        """Forked, while the rendezvous has no thread yet; answered from then on."""
        from horovod.runner.common.util.hosts import get_host_assignments, parse_hosts
        from horovod.runner.http.http_server import RendezvousHandler, RendezvousHTTPServer

        server: Any = RendezvousHTTPServer(("127.0.0.1", 0), RendezvousHandler, 0)
        server.init(get_host_assignments(parse_hosts(f"localhost:{world}"), world))
        with server, super().started(world, partial(_joined, server, world, work), folder) as crew:
            answers = Thread(target=server.serve_forever, daemon=True)
            answers.start()
            try:
                yield crew
            finally:
                server.shutdown()
                answers.join()

    def enter(self) -> None:
        """By asking the rendezvous."""
        import horovod.torch as hvd

        hvd.init()

    def assemble(self, whole: Whole) -> Split:
        """The whole model on each; its optimizer averages gradients."""
        from harness.distributed.assemble import split_model

        return split_model(whole, _average)


def _joined(server: Any, world: int, work: Work, rank: int) -> None:
    """The rank's work, in an environment that says where the others are."""
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
        "HOROVOD_LOG_LEVEL": "fatal",  # what goes wrong it raises as well
    }
    server.socket.close()  # the parent's to answer
    work(rank)


def _average(split: Split) -> None:
    import horovod.torch as hvd

    from harness.distributed.count import tell

    class Counted(hvd.Compression.none):  # type: ignore[misc]
        """What is told of each gradient that is handed over; no compression."""

        @staticmethod
        def compress(tensor: torch.Tensor) -> tuple[torch.Tensor, None]:
            tell("all_reduce", tensor.nbytes)
            return tensor, None

    hvd.broadcast_parameters(split.core.state_dict(), root_rank=0)

    def distributed(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
        made: torch.optim.Optimizer = hvd.DistributedOptimizer(
            optimizer,
            named_parameters=split.core.named_parameters(),
            compression=Counted,
            backward_passes_per_step=split.accumulate,
        )
        return made

    split.optimizer = distributed
