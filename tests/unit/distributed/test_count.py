"""What ranks send each other, counted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from harness.distributed.count import Collectives


@pytest.mark.parametrize(
    ("name", "arguments", "kind", "size"),
    [
        ("allreduce_", ([torch.zeros(4)],), "all_reduce", 16),
        ("_allgather_base_", (torch.zeros(8), torch.zeros(4)), "all_gather", 16),
        ("_reduce_scatter_base_", (torch.zeros(4), torch.zeros(8)), "reduce_scatter", 32),
        ("allgather_", ([[torch.zeros(4)] * 2], [torch.zeros(4)]), "all_gather", 16),
        ("send", ([torch.zeros(3)], 1, 0), "send", 12),
        ("recv_", ([torch.zeros(3)], 1, 0), None, 0),
        ("barrier", (), None, 0),
    ],
)
def test_what_a_rank_hands_over_is_counted(
    name: str, arguments: tuple[Any, ...], kind: str | None, size: int
) -> None:
    """Its own share of what is gathered, all of what is reduced; what it takes is not."""

    class Operation:
        namespace, _schema = "c10d", SimpleNamespace(name=f"c10d::{name}")

        def __call__(self, *_: Any) -> str:
            return "done"

    counted = Collectives()
    assert counted.__torch_dispatch__(Operation(), (), arguments) == "done"
    assert dict(counted.calls) == ({kind: 1} if kind else {})
    assert dict(counted.bytes) == ({kind: size} if kind else {})
