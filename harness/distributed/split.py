"""This rank's part of a model, while the cell's strategies split it and when they have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from harness.model.transformer import DecodeState, Transformer
from harness.timer import Timer

if TYPE_CHECKING:
    from torch.optim import Optimizer

# From the outermost to the innermost: what exchanges most stands closest (Narayanan et al. 2021,
# arXiv 2104.04473, section 3).
ORDER = ("pipeline", "data", "shard", "context", "tensor")
Parameters = Mapping[str, torch.Tensor]  # by their names in the whole model
# What wrappers put before a parameter's name.
_WRAPPERS = re.compile(r"^((_forward_module|module)\.)+")


def _as_it_is(optimizer: Optimizer) -> Optimizer:
    return optimizer


def _always(_: bool) -> AbstractContextManager[Any]:
    return nullcontext()


class Pipelined(Protocol):
    """Runs a model whose layers are spread over ranks; all ranks call it together."""

    def logits(
        self, tokens: torch.Tensor, state: DecodeState, positions: torch.Tensor | None
    ) -> torch.Tensor | None:
        """The last token's logits [B, 1, vocab]; None on ranks without the last layer."""

    def training_step(
        self, optimizer: Optimizer, tokens: torch.Tensor, targets: torch.Tensor
    ) -> Callable[[], torch.Tensor | None]:
        """A function that takes one optimizer step; it returns the mean loss, or None as above."""

    def facts(self) -> dict[str, float]:
        """What the steps so far showed."""


@dataclass
class Split:
    """This rank's part of a model.

    Strategies are applied to it from the innermost to the outermost of ORDER: each changes the
    core, or what runs it.
    """

    core: Transformer
    device: torch.device
    degrees: Mapping[str, int]  # by strategy, those above 1
    trains: bool
    timer: Timer  # of the device's work
    mesh: DeviceMesh | None = None
    parts: list[nn.Module] = field(default_factory=list)  # the modules that this rank calls
    accumulate: int = 1  # passes a step
    keeps_aside: bool = False  # True if activations are kept where autograd's hooks see none
    pipelined: Pipelined | None = None  # set if layers are spread over ranks
    length: int = 0  # tokens of a whole training sequence
    # Each selects this rank's positions of a sequence; empty if the rank holds all of them.
    places: list[Callable[[torch.Tensor], torch.Tensor]] = field(default_factory=list)
    # Selects this rank's tokens; None means that the rank holds the whole sequence.
    own_tokens: Callable[[torch.Tensor], torch.Tensor] | None = None
    around: Callable[[], AbstractContextManager[Any]] = nullcontext  # around loss and backward
    # How it trains: by torch alone, unless a launcher wraps the optimizer.
    optimizer: Callable[[Optimizer], Optimizer] = _as_it_is
    backward: Callable[[torch.Tensor], None] = torch.Tensor.backward
    # Around a pass; True for a step's last pass, the only one that exchanges gradients.
    exchanging: Callable[[bool], AbstractContextManager[Any]] = _always
    # By the end of a parameter's name: restores the order of a parameter stored in another.
    undo: dict[str, Callable[[torch.Tensor], torch.Tensor]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.parts = [self.core]

    @property
    def shares(self) -> int:
        """The number of equal shares that the batch is cut into."""
        return self.degrees.get("data", 1) * self.degrees.get("shard", 1)

    @property
    def share(self) -> int:
        """The index of this rank's share."""
        return self.place("data") * self.degrees.get("shard", 1) + self.place("shard")

    def place(self, name: str) -> int:
        """This rank's number among the ranks that a strategy splits over."""
        return self.mesh.get_local_rank(name) if self.mesh is not None and self.has(name) else 0

    def has(self, name: str) -> bool:
        """True if that strategy splits the model."""
        return self.degrees.get(name, 1) > 1

    def group(self, name: str) -> dist.ProcessGroup:
        """The ranks that a strategy splits over, this one among them."""
        assert self.mesh is not None
        return self.mesh.get_group(name)

    def over(self, *names: str) -> DeviceMesh | None:
        """The ranks that several strategies split over together, as one dimension."""
        present = tuple(name for name in names if self.has(name))
        if not present or self.mesh is None:
            return None
        return self.mesh[present] if len(present) == 1 else self.mesh[present]._flatten()

    def positions(self, length: int) -> torch.Tensor | None:
        """This rank's positions of a sequence; None means that it holds the whole sequence."""
        if not self.places:
            return None
        positions = torch.arange(length, device=self.device)
        for place in self.places:
            positions = place(positions)
        return positions

    def parameters(self) -> list[dict[str, Any]]:
        """This rank's parameters, grouped by kind of tensor: fused AdamW takes one kind."""
        from torch.distributed.tensor import DTensor

        every = list(chain.from_iterable(part.parameters() for part in self.parts))
        split = [one for one in every if isinstance(one, DTensor)]
        plain = [one for one in every if not isinstance(one, DTensor)]
        return [{"params": group} for group in (plain, split) if group]

    def whole(self) -> Parameters:
        """Every parameter of the whole model, gathered on the host; all ranks take part."""
        found: dict[str, torch.Tensor] = {}
        for name, parameter in self._named():
            found[name] = self._restored(name, _full(parameter)).cpu()
        if self.has("pipeline"):
            every: list[Any] = [None] * self.degrees["pipeline"]
            dist.all_gather_object(every, found, group=self.group("pipeline"))
            found = {name: one for part in every for name, one in part.items()}
        return found

    def gradient_norm(self) -> float:
        """The Euclidean norm of the whole gradient; all ranks take part."""
        squares = {
            name: float(_full(one.grad).double().square().sum())
            for name, one in self._named()
            if one.grad is not None
        }
        if self.has("pipeline"):
            every: list[Any] = [None] * self.degrees["pipeline"]
            dist.all_gather_object(every, squares, group=self.group("pipeline"))
            if self.core.shape.tied:
                every[-1].pop("head.weight", None)  # the same matrix as the first stage's
            squares = {name: one for part in every for name, one in part.items()}
        return float(sum(squares.values()) ** 0.5)

    def _named(self) -> Iterator[tuple[str, nn.Parameter]]:
        for part in self.parts:
            for name, parameter in part.named_parameters():
                yield _WRAPPERS.sub("", name), parameter

    def _restored(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        for end, undo in self.undo.items():
            if name.endswith(end):
                return undo(tensor)
        return tensor


def plain_tensor(loss: torch.Tensor) -> torch.Tensor:
    """A loss, detached, also if it is spread over ranks as a DTensor."""
    from torch.distributed.tensor import DTensor

    found = loss.full_tensor() if isinstance(loss, DTensor) else loss
    return found.detach()


def _full(tensor: torch.Tensor) -> torch.Tensor:
    from torch.distributed.tensor import DTensor

    return tensor.full_tensor().detach() if isinstance(tensor, DTensor) else tensor.detach().clone()


def mesh_of(degrees: Mapping[str, int], device: torch.device) -> DeviceMesh | None:
    """The ranks as a grid with a dimension for each strategy; None for a single rank."""
    names = [name for name in ORDER if degrees.get(name, 1) > 1]
    if not names:
        return None
    sizes = tuple(degrees[name] for name in names)
    return init_device_mesh(device.type, sizes, mesh_dim_names=tuple(names))
