"""The process group of a cell's ranks, on this host."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from harness.domain.rank import Rank


def join_group(rank: Rank, rendezvous: Path, groups: str) -> None:
    """Make this process one of a group, whose members meet in that file; `groups` carry it."""
    import torch.distributed as dist

    # Loopback: the ranks are all here, and a host's own name need not resolve.
    loopback = "lo0" if sys.platform == "darwin" else "lo"
    for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
        os.environ.setdefault(name, loopback)
    store = dist.FileStore(  # type: ignore[attr-defined]  # documented, but not in __all__
        str(rendezvous), rank.world
    )
    dist.init_process_group(groups, store=store, rank=rank.index, world_size=rank.world)
