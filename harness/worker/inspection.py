"""One more iteration, looked at from inside: what its ranks send, what its training keeps.

Looking costs time, so nothing of it is timed, and it comes after all that is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

import torch
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from harness.distributed.count import Collectives


def inspected(
    iteration: Callable[[], object],
    model: Iterable[torch.Tensor],
    *,
    sends: bool,
    trains: bool,
) -> dict[str, float]:
    """Facts of one iteration on this rank, over a `model` of these tensors.

    `sends`: `collectives` and `sent_bytes` in it, and both by kind. `trains`: bytes of the
    `rank_parameters`, `rank_gradients`, `rank_optimizer` state and `rank_activations`, those kept
    at once for the backward pass.
    """
    with ExitStack() as stack:
        counted = stack.enter_context(Collectives()) if sends else None
        kept = _Kept(model) if trains else None
        step = _Step() if trains else None
        if kept is not None and step is not None:
            stack.callback(step.close)
            stack.enter_context(torch.autograd.graph.saved_tensors_hooks(kept.pack, kept.unpack))
        iteration()
    facts: dict[str, float] = {}
    if counted is not None:
        facts["collectives"] = counted.calls.total()
        facts["sent_bytes"] = counted.bytes.total()
        facts |= {f"collectives_{kind}": number for kind, number in counted.calls.items()}
        facts |= {f"sent_bytes_{kind}": number for kind, number in counted.bytes.items()}
    if kept is not None and step is not None:
        facts |= {**step.facts, "rank_activations": kept.most}
    return facts


class _Step:
    """What the optimizer's parameters, their gradients and its state take, when it steps."""

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
        every = [one for group in optimizer.param_groups for one in group["params"]]
        self.facts["rank_parameters"] = local_bytes(every)
        self.facts["rank_gradients"] = local_bytes(
            one.grad for one in every if one.grad is not None
        )

    def _after(self, optimizer: torch.optim.Optimizer, *_: object) -> None:
        states = (one for state in optimizer.state.values() for one in state.values())
        tensors = (one for one in states if isinstance(one, torch.Tensor))
        self.facts["rank_optimizer"] = local_bytes(tensors)


def local_bytes(tensors: Iterable[torch.Tensor]) -> int:
    """What they take on this rank."""
    return sum(one.untyped_storage().nbytes() for one in _distinct(map(_local, tensors)))


def _local(tensor: torch.Tensor) -> torch.Tensor:
    """What of a tensor that is split lies on this rank."""
    found: torch.Tensor = getattr(tensor, "_local_tensor", tensor)
    return found


def _distinct(tensors: Iterable[torch.Tensor]) -> Iterable[torch.Tensor]:
    return {one.untyped_storage().data_ptr(): one for one in tensors}.values()


class _Kept:
    """Bytes that the graph keeps for the backward pass; parameters, which are kept anyway, not."""

    def __init__(self, model: Iterable[torch.Tensor]) -> None:
        self._anyway = {_local(one).untyped_storage().data_ptr() for one in model}
        self.most = self._now = 0
        self._users: dict[int, int] = {}  # of a storage

    def pack(self, tensor: torch.Tensor) -> _Held | torch.Tensor:
        base = tensor if tensor._base is None else tensor._base
        storage = _local(tensor).untyped_storage()
        place = storage.data_ptr()
        # Those that FSDP gathers are parameters too, of memory of their own.
        if isinstance(base, torch.nn.Parameter) or place in self._anyway:
            return tensor
        self._users[place] = self._users.get(place, 0) + 1
        size = storage.nbytes() if self._users[place] == 1 else 0
        self._now += size
        self.most = max(self.most, self._now)
        return _Held(tensor, self, place, storage.nbytes())

    def unpack(self, held: _Held | torch.Tensor) -> torch.Tensor:
        return held.tensor if isinstance(held, _Held) else held

    def let_go(self, place: int, size: int) -> None:
        self._users[place] -= 1
        if not self._users[place]:
            del self._users[place]
            self._now -= size


class _Held:
    """A tensor that the graph keeps, until the graph lets it go."""

    def __init__(self, tensor: torch.Tensor, kept: _Kept, place: int, size: int) -> None:
        self.tensor = tensor
        self._gone: tuple[Any, ...] = (kept, place, size)

    def __del__(self) -> None:
        kept, place, size = self._gone
        kept.let_go(place, size)
