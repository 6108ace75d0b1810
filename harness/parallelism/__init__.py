"""How a model is split over processes, and how such processes train. One file an entry."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import TYPE_CHECKING, ClassVar

from harness import launchers as engines
from harness.domain.cell import Cell, Choice
from harness.domain.entry import Entry
from harness.domain.run import Host
from harness.launchers import Engine
from harness.model.architectures import SHAPES
from harness.registry import Registry

if TYPE_CHECKING:
    from harness.distributed.split import Split


class Parallelism(Entry):
    """A strategy with a degree, or a way to train; degrees multiply to the world size."""

    short: ClassVar[str] = "degree"  # the option that a bare value gives: {data: 2}
    applied: ClassVar[int] = 0  # those with lower numbers change the model first
    replicates: ClassVar[bool] = False  # whether each process holds all parameters
    decoders: ClassVar[bool] = True  # whether it takes decoders only, and dense ones

    @property
    def only_trains(self) -> bool:
        """Whether it is nothing to inference."""
        return False

    @property
    def degree(self) -> int:
        """How many processes it splits over: its option of that name, if it has one."""
        degree: int = getattr(self.options, "degree", 1)
        return degree

    @property
    def cuts(self) -> int:
        """Into how many equal pieces it cuts a batch that is trained on."""
        return 1

    @property
    def shares(self) -> int:
        """Over how many processes it spreads the sequences of any batch."""
        return 1

    def apply(self, split: Split) -> None:
        """Change this rank's part of the model. The process group is up."""

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """What no strategy of its kind can do."""
        if reason := super().unsupported(cell, host):
            return reason
        if not self.decoders:
            return None
        architecture = SHAPES[cell.model.name].architecture
        if architecture != "decoder":
            return f"{self.name} takes decoders only, no {architecture}"
        if cell.compression:
            return f"{self.name} takes dense models only, none compressed by {cell.compression[0]}"
        return None


class Replicas(Parallelism):
    """A strategy whose processes each take a share of the batch."""

    @property
    def cuts(self) -> int:
        """A share each."""
        return self.degree

    @property
    def shares(self) -> int:
        """A share each."""
        return self.degree


registry: Registry[Parallelism] = Registry("parallelism", "parallelism")
register = registry.register


def strategies(choices: Iterable[Choice]) -> list[Parallelism]:
    """The entries with their options, in the order in which they change the model."""
    made = [registry.of(choice) for choice in choices]
    return sorted(made, key=lambda one: one.applied)


def degrees(cell: Cell) -> dict[str, int]:
    """By strategy how many processes it splits over, where that is more than one."""
    return degrees_of(strategies(cell.parallelism))


def degrees_of(made: Iterable[Parallelism]) -> dict[str, int]:
    """The same, of entries with their options."""
    return {one.name: one.degree for one in made if one.degree > 1}


def world_size(cell: Cell) -> int:
    """Processes the cell is split over: the product of its strategies' degrees."""
    return prod(degrees(cell).values())


def engine_of(cell: Cell) -> Engine:
    """Who starts the cell's processes."""
    choice = next((one for one in cell.parallelism if one.name == "engine"), None)
    if choice is None:
        return engines.registry["torch"]()
    options = registry["engine"].of(choice).options
    return engines.registry[options.name](options)


def oversubscribes(cell: Cell) -> bool:
    """Whether it asks for more processes than there are cores, if need be."""
    return any(choice.name == "oversubscribe" for choice in cell.parallelism)
