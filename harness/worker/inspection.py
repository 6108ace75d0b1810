"""Facts from an extra iteration: what its ranks send, and what memory its training uses.

Counting costs time, so this iteration comes after all timed ones and is not timed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack

import torch
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from harness.distributed.count import Collectives


def iteration_facts(
    iteration: Callable[[], object],
    parameters: Iterable[torch.Tensor],
    *,
    sends: bool,
    trains: bool,
) -> dict[str, float]:
    """Facts of one iteration on this rank; `parameters` are those of the model it holds.

    `sends` adds `collectives` and `sent_bytes`, in all and by kind. `trains` adds the bytes of
    `rank_parameters`, `rank_gradients`, `rank_optimizer` (its state), and `rank_activations`: the
    most that the graph kept for the backward pass at any time.
    """
    with ExitStack() as stack:
        counted = stack.enter_context(Collectives()) if sends else None
        saved = _SavedBytes(parameters) if trains else None
        step = _OptimizerStep() if trains else None
        if saved is not None and step is not None:
            stack.callback(step.close)
            stack.enter_context(torch.autograd.graph.saved_tensors_hooks(saved.pack, saved.unpack))
        iteration()
    facts: dict[str, float] = {}
    if counted is not None:
        facts["collectives"] = counted.calls.total()
        facts["sent_bytes"] = counted.bytes.total()
        facts |= {f"collectives_{kind}": number for kind, number in counted.calls.items()}
        facts |= {f"sent_bytes_{kind}": number for kind, number in counted.bytes.items()}
    if saved is not None and step is not None:
        facts |= {**step.facts, "rank_activations": saved.peak}
    return facts


class _OptimizerStep:
    """Bytes of the optimizer's parameters, their gradients and its state at a step."""

    def __init__(self) -> None:
        self.facts: dict[str, float] = {}
        self._handles = [
            register_optimizer_step_pre_hook(self._before),
            register_optimizer_step_post_hook(self._after),
        ]

    def close(self) -> None:
        for handle in self._handles:
            handle.remove()

    def _before(self, optimizer: torch.optim.Optimizer, *_: object) -> None:
        parameters = [one for group in optimizer.param_groups for one in group["params"]]
        gradients = [one.grad for one in parameters if one.grad is not None]
        self.facts["rank_parameters"] = local_bytes(parameters)
        self.facts["rank_gradients"] = local_bytes(gradients)

    def _after(self, optimizer: torch.optim.Optimizer, *_: object) -> None:
        values = (value for state in optimizer.state.values() for value in state.values())
        tensors = (value for value in values if isinstance(value, torch.Tensor))
        self.facts["rank_optimizer"] = local_bytes(tensors)


def local_bytes(tensors: Iterable[torch.Tensor]) -> int:
    """Bytes of the tensors on this rank; shared storage counts once."""
    storages = (_local(tensor).untyped_storage() for tensor in tensors)
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def _local(tensor: torch.Tensor) -> torch.Tensor:
    """This rank's shard of a DTensor; any other tensor itself."""
    local: torch.Tensor = getattr(tensor, "_local_tensor", tensor)
    return local


class _SavedBytes:
    """Bytes that the graph keeps for the backward pass, without the parameters themselves."""

    def __init__(self, parameters: Iterable[torch.Tensor]) -> None:
        self._parameters = {_local(one).untyped_storage().data_ptr() for one in parameters}
        self.peak = self._current = 0
        self._users: dict[int, int] = {}  # number of saved tensors, by storage address

    def pack(self, tensor: torch.Tensor) -> _Saved | torch.Tensor:
        base = tensor if tensor._base is None else tensor._base
        storage = _local(tensor).untyped_storage()
        address, size = storage.data_ptr(), storage.nbytes()
        # FSDP gathers parameters into memory of their own: those addresses are not known here.
        if isinstance(base, torch.nn.Parameter) or address in self._parameters:
            return tensor
        self._users[address] = self._users.get(address, 0) + 1
        if self._users[address] == 1:
            self._current += size
            self.peak = max(self.peak, self._current)
        return _Saved(tensor, self, address, size)

    def unpack(self, saved: _Saved | torch.Tensor) -> torch.Tensor:
        return saved.tensor if isinstance(saved, _Saved) else saved

    def drop(self, address: int, size: int) -> None:
        self._users[address] -= 1
        if not self._users[address]:
            del self._users[address]
            self._current -= size


class _Saved:
    """A saved tensor, counted until the graph drops it."""

    def __init__(self, tensor: torch.Tensor, counter: _SavedBytes, address: int, size: int) -> None:
        self.tensor = tensor
        self._counter, self._address, self._size = counter, address, size

    def __del__(self) -> None:
        self._counter.drop(self._address, self._size)
