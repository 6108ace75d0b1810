"""What ranks send each other, counted as it goes: how many calls, and how many bytes, by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

# By torch's names of its operations: of the process groups', and of the functional ones.
_KINDS = {
    "allreduce_": "all_reduce",
    "all_reduce": "all_reduce",
    "all_reduce_": "all_reduce",
    "all_reduce_coalesced": "all_reduce",
    "allreduce_coalesced_": "all_reduce",
    "allgather_": "all_gather",
    "_allgather_base_": "all_gather",
    "allgather_into_tensor_coalesced_": "all_gather",
    "all_gather_into_tensor": "all_gather",
    "all_gather_into_tensor_out": "all_gather",
    "all_gather_into_tensor_coalesced": "all_gather",
    "reduce_scatter_": "reduce_scatter",
    "_reduce_scatter_base_": "reduce_scatter",
    "reduce_scatter_tensor": "reduce_scatter",
    "reduce_scatter_tensor_coalesced": "reduce_scatter",
    "reduce_scatter_tensor_coalesced_": "reduce_scatter",
    "broadcast_": "broadcast",
    "broadcast": "broadcast",
    "alltoall_": "all_to_all",
    "alltoall_base_": "all_to_all",
    "all_to_all_single": "all_to_all",
    "send": "send",
}


class Collectives(TorchDispatchMode):
    """While it is entered, this rank's calls and the bytes it hands to each.

    Of an all-gather the bytes of its own share count, of a reduce-scatter those of all shares, of
    a message those sent; so a figure is what the algorithm asks for, whatever the transport does.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Look at a call, and let it pass."""
        if func.namespace in {"c10d", "_c10d_functional"}:
            name = func._schema.name.split("::")[1]
            kind = _KINDS.get(name)
            if kind is not None:
                given = args[1] if kind in _INTO and name.startswith("_") else args[0]
                if name in {"allgather_", "reduce_scatter_"}:
                    given = args[1]
                self.calls[kind] += 1
                self.bytes[kind] += sum(one.nbytes for one in _tensors(given))
        return func(*args, **(kwargs or {}))


_INTO = {"all_gather", "reduce_scatter"}  # whose first argument is what comes out


def _tensors(given: Any) -> Iterator[torch.Tensor]:
    if isinstance(given, torch.Tensor):
        yield given
    elif isinstance(given, (list, tuple)):
        for one in given:
            yield from _tensors(one)
