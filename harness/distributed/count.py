"""What ranks send each other, counted as it goes: how many calls, and how many bytes, by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Self

import torch
from torch.utils._python_dispatch import TorchDispatchMode

# By torch's names of its operations, of process groups and functional ones: what kind it is, and
# which argument holds what a rank hands over.
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

_told: list[Collectives] = []  # those that are entered


def tell(kind: str, size: int) -> None:
    """Of a call that is none of torch's: its kind, and the bytes that this rank hands to it."""
    for one in _told:
        one.add(kind, size)


class Collectives(TorchDispatchMode):
    """While it is entered, this rank's calls and the bytes it hands to each.

    Of an all-gather the bytes of its own share count, of a reduce-scatter those of all shares, of
    a message those sent; so a figure is what the algorithm asks for, whatever the transport does.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()

    def __enter__(self) -> Self:
        """Be the one that is told, too, what no dispatch sees."""
        _told.append(self)
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *reason: object) -> None:
        """Be told no more."""
        super().__exit__(*reason)  # type: ignore[no-untyped-call]
        _told.remove(self)

    def add(self, kind: str, size: int) -> None:
        """One more call, to which this rank hands so many bytes."""
        self.calls[kind] += 1
        self.bytes[kind] += size

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Look at a call, and let it pass."""
        if func.namespace in {"c10d", "_c10d_functional"}:
            name = func._schema.name.split("::")[1]
            if name in _OPERATIONS:
                kind, argument = _OPERATIONS[name]
                self.add(kind, sum(one.nbytes for one in _tensors(args[argument])))
        return func(*args, **(kwargs or {}))


def _tensors(given: Any) -> Iterator[torch.Tensor]:
    if isinstance(given, torch.Tensor):
        yield given
    elif isinstance(given, (list, tuple)):
        for one in given:
            yield from _tensors(one)
