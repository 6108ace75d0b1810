"""Counts the communication between ranks: calls and bytes, by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Self

import torch
from torch.utils._python_dispatch import TorchDispatchMode

# By torch's name of an operation (of process groups and functional): its kind, and the index of
# the argument with the tensors that a rank hands to it.
_OPERATIONS = {
    "allreduce_": ("all_reduce", 0),
    "allreduce_coalesced_": ("all_reduce", 0),
    "all_reduce": ("all_reduce", 0),
    "all_reduce_": ("all_reduce", 0),
    "all_reduce_coalesced": ("all_reduce", 0),
    "allgather_": ("all_gather", 1),
    "_allgather_base_": ("all_gather", 1),
    "allgather_into_tensor_coalesced_": ("all_gather", 1),
    "all_gather_into_tensor": ("all_gather", 0),
    "all_gather_into_tensor_out": ("all_gather", 0),
    "all_gather_into_tensor_coalesced": ("all_gather", 0),
    "reduce_scatter_": ("reduce_scatter", 1),
    "_reduce_scatter_base_": ("reduce_scatter", 1),
    "reduce_scatter_tensor_coalesced_": ("reduce_scatter", 1),
    "reduce_scatter_tensor": ("reduce_scatter", 0),
    "reduce_scatter_tensor_coalesced": ("reduce_scatter", 0),
    "broadcast_": ("broadcast", 0),
    "broadcast": ("broadcast", 0),
    "alltoall_": ("all_to_all", 1),
    "alltoall_base_": ("all_to_all", 1),
    "all_to_all_single": ("all_to_all", 0),
    "send": ("send", 0),
}

_active: list[Collectives] = []


def record(kind: str, size: int) -> None:
    """Counts a call outside torch: its kind, and the bytes that this rank hands to it."""
    for collectives in _active:
        collectives.add(kind, size)


class Collectives(TorchDispatchMode):
    """While active, counts this rank's calls and the bytes that it hands to them.

    An all-gather counts the bytes of the rank's own share, a reduce-scatter those of all shares, a
    message those sent. So the figures show what the algorithm needs, whatever the transport does.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()

    def __enter__(self) -> Self:
        """Also counts the calls that `record` reports, which torch does not dispatch."""
        _active.append(self)
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *reason: object) -> None:
        """Stops counting."""
        super().__exit__(*reason)  # type: ignore[no-untyped-call]
        _active.remove(self)

    def add(self, kind: str, size: int) -> None:
        """Adds a call to which this rank hands `size` bytes."""
        self.calls[kind] += 1
        self.bytes[kind] += size

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Counts the call, then runs it."""
        if func.namespace in {"c10d", "_c10d_functional"}:
            name = func._schema.name.split("::")[1]
            if name in _OPERATIONS:
                kind, argument = _OPERATIONS[name]
                self.add(kind, sum(tensor.nbytes for tensor in _tensors(args[argument])))
        return func(*args, **(kwargs or {}))


def _tensors(given: Any) -> Iterator[torch.Tensor]:
    if isinstance(given, torch.Tensor):
        yield given
    elif isinstance(given, (list, tuple)):
        for item in given:
            yield from _tensors(item)
