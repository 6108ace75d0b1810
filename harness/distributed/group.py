"""The process group of a cell's ranks, on this host."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from harness.domain.rank import Rank


def join_group(rank: Rank, rendezvous: Path, groups: str) -> None:
    """Joins the group of ranks that rendezvous in this file. `groups` names its backends."""
    import torch.distributed as dist

    # Loopback: all ranks are on this host, whose own name may not resolve.
    loopback = "lo0" if sys.platform == "darwin" else "lo"
    for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
        os.environ.setdefault(name, loopback)
    store = dist.FileStore(  # type: ignore[attr-defined]  # documented, but not in __all__
        str(rendezvous), rank.world
    )
    dist.init_process_group(groups, store=store, rank=rank.index, world_size=rank.world)
