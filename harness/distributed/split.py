"""This rank's part of a model: the cell's strategies change it, then the driver runs it."""

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

# From the outermost to the innermost: the more a strategy communicates, the closer its ranks
# (Narayanan et al. 2021, arXiv 2104.04473, section 3).
ORDER = ("pipeline", "data", "shard", "context", "tensor")
Parameters = Mapping[str, torch.Tensor]  # by their names in the whole model
# The prefixes that wrappers add to a parameter's name.
_WRAPPERS = re.compile(r"^((_forward_module|module)\.)+")


def _unchanged(optimizer: Optimizer) -> Optimizer:
    return optimizer


def _always_sync(_: bool) -> AbstractContextManager[Any]:
    return nullcontext()


class Pipelined(Protocol):
    """Runs a model whose layers are spread over ranks. All ranks call it together."""

    def logits(
        self, tokens: torch.Tensor, state: DecodeState, positions: torch.Tensor | None
    ) -> torch.Tensor | None:
        """The last token's logits [B, 1, vocab]. None on ranks without the last layer."""

    def training_step(
        self, optimizer: Optimizer, tokens: torch.Tensor, targets: torch.Tensor
    ) -> Callable[[], torch.Tensor | None]:
        """A function that takes one optimizer step and returns the mean loss, or None as above."""

    def facts(self) -> dict[str, float]:
        """Facts about the steps so far."""


@dataclass
class Split:
    """This rank's part of a model.

    Strategies are applied to it from the innermost to the outermost of ORDER. Each changes the
    core, or the way it runs.
    """

    core: Transformer
    device: torch.device
    degrees: Mapping[str, int]  # the degrees above 1, by strategy
    trains: bool
    timer: Timer  # times the device's work
    mesh: DeviceMesh | None = None
    parts: list[nn.Module] = field(default_factory=list)  # the modules that this rank calls
    accumulate: int = 1  # passes per step
    keeps_aside: bool = False  # True if activations are kept where autograd's hooks miss them
    pipelined: Pipelined | None = None  # set if layers are spread over ranks
    length: int = 0  # tokens of a whole training sequence
    # Each selects this rank's positions of a sequence. Empty if the rank holds all positions.
    places: list[Callable[[torch.Tensor], torch.Tensor]] = field(default_factory=list)
    # Selects this rank's tokens; None means that the rank holds the whole sequence.
    own_tokens: Callable[[torch.Tensor], torch.Tensor] | None = None
    around: Callable[[], AbstractContextManager[Any]] = nullcontext  # around loss and backward
    # A launcher may wrap the optimizer.
    optimizer: Callable[[Optimizer], Optimizer] = _unchanged
    backward: Callable[[torch.Tensor], None] = torch.Tensor.backward
    # Entered around each pass, with True for the last of a step: only that exchanges gradients.
    gradient_sync: Callable[[bool], AbstractContextManager[Any]] = _always_sync
    # By the end of a parameter's name: restores the order of parameters stored in another order.
    undo: dict[str, Callable[[torch.Tensor], torch.Tensor]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.parts = [self.core]

    @property
    def shares(self) -> int:
        """The number of equal shares of the batch."""
        return self.degrees.get("data", 1) * self.degrees.get("shard", 1)

    @property
    def share(self) -> int:
        """The index of this rank's share."""
        shards = self.degrees.get("shard", 1)
        return self.local_rank("data") * shards + self.local_rank("shard")

    def local_rank(self, name: str) -> int:
        """This rank's index among the ranks that a strategy splits over."""
        return self.mesh.get_local_rank(name) if self.mesh is not None and self.has(name) else 0

    def has(self, name: str) -> bool:
        """True if that strategy splits the model."""
        return self.degrees.get(name, 1) > 1

    def group(self, name: str) -> dist.ProcessGroup:
        """The group of ranks that a strategy splits over, with this rank."""
        assert self.mesh is not None
        return self.mesh.get_group(name)

    def over(self, *names: str) -> DeviceMesh | None:
        """The ranks that these strategies together split over, as one dimension, if any do."""
        present = tuple(name for name in names if self.has(name))
        if not present or self.mesh is None:
            return None
        return self.mesh[present] if len(present) == 1 else self.mesh[present]._flatten()

    def positions(self, length: int) -> torch.Tensor | None:
        """This rank's positions of a sequence. None means that it holds the whole sequence."""
        if not self.places:
            return None
        positions = torch.arange(length, device=self.device)
        for select in self.places:
            positions = select(positions)
        return positions

    def parameters(self) -> list[dict[str, Any]]:
        """This rank's parameters, grouped by kind of tensor: fused AdamW takes only one kind."""
        from torch.distributed.tensor import DTensor

        every = list(chain.from_iterable(part.parameters() for part in self.parts))
        split = [parameter for parameter in every if isinstance(parameter, DTensor)]
        plain = [parameter for parameter in every if not isinstance(parameter, DTensor)]
        return [{"params": group} for group in (plain, split) if group]

    def whole(self) -> Parameters:
        """Every parameter of the whole model, gathered on the host. All ranks take part."""
        gathered: dict[str, torch.Tensor] = {}
        for name, parameter in self._named():
            gathered[name] = self._restored(name, _full(parameter)).cpu()
        if self.has("pipeline"):
            every: list[Any] = [None] * self.degrees["pipeline"]
            dist.all_gather_object(every, gathered, group=self.group("pipeline"))
            gathered = {name: tensor for part in every for name, tensor in part.items()}
        return gathered

    def gradient_norm(self) -> float:
        """The Euclidean norm of the whole gradient. All ranks take part."""
        squares = {
            name: float(_full(parameter.grad).double().square().sum())
            for name, parameter in self._named()
            if parameter.grad is not None
        }
        if self.has("pipeline"):
            every: list[Any] = [None] * self.degrees["pipeline"]
            dist.all_gather_object(every, squares, group=self.group("pipeline"))
            if self.core.shape.tied:
                every[-1].pop("head.weight", None)  # the same matrix as the first stage's
            squares = {name: square for part in every for name, square in part.items()}
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
    """The loss, detached, and gathered if it is a DTensor."""
    from torch.distributed.tensor import DTensor

    gathered = loss.full_tensor() if isinstance(loss, DTensor) else loss
    return gathered.detach()


def _full(tensor: torch.Tensor) -> torch.Tensor:
    from torch.distributed.tensor import DTensor

    return tensor.full_tensor().detach() if isinstance(tensor, DTensor) else tensor.detach().clone()


def mesh_of(degrees: Mapping[str, int], device: torch.device) -> DeviceMesh | None:
    """The mesh of ranks, with a dimension for each strategy. None for a single rank."""
    names = [name for name in ORDER if degrees.get(name, 1) > 1]
    if not names:
        return None
    sizes = tuple(degrees[name] for name in names)
    return init_device_mesh(device.type, sizes, mesh_dim_names=tuple(names))
