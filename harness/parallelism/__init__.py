"""How a model is split over processes, and how it trains. One file or package per strategy.

A cell's `parallelism` holds its strategies and may name a launcher. The launcher is a Choice called
`launcher`: its option `launcher` is the launcher's name, its other options are the launcher's own.
Launchers are not strategies; harness/launchers has their registry.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from importlib import import_module
from math import prod
from typing import TYPE_CHECKING, ClassVar

from harness.domain.cell import Cell, Choice, Option
from harness.domain.entry import Entry
from harness.domain.run import Host
from harness.model.architectures import SHAPES
from harness.registry import Registry

if TYPE_CHECKING:
    from harness.distributed.split import Split

LAUNCHER = "launcher"  # the key beside the strategies, and the option that names the launcher
DEFAULT_LAUNCHER = "torch"


class Parallelism(Entry):
    """A strategy with a degree, or a way to train. Degrees multiply to the world size."""

    short: ClassVar[str] = "degree"  # the option that a bare value sets: {data: 2}
    applied: ClassVar[int] = 0  # lower numbers change the model first
    replicates: ClassVar[bool] = False  # whether each process holds all parameters
    decoders: ClassVar[bool] = True  # whether it takes dense decoders only
    modules: ClassVar[Collection[str]] = ()  # used by `apply`; imported before the ranks start

    @property
    def only_trains(self) -> bool:
        """True if it has no effect on inference."""
        return False

    @property
    def degree(self) -> int:
        """The number of processes, from the option `degree`; 1 without that option."""
        degree: int = getattr(self.options, "degree", 1)
        return degree

    @property
    def cuts(self) -> int:
        """The number of equal pieces into which it cuts a training batch."""
        return 1

    @property
    def shares(self) -> int:
        """The number of processes that share the sequences of a batch."""
        return 1

    def preload(self) -> None:
        """Import what `apply` uses, once, before any rank starts."""
        for module in self.modules:
            import_module(module)

    def apply(self, split: Split) -> None:
        """Change this rank's part of the model. The process group is up."""

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """By default a strategy takes dense decoders only; see `decoders`."""
        if reason := super().unsupported(cell, host):
            return reason
        if not self.decoders:
            return None
        architecture = SHAPES[cell.model.name].architecture
        if architecture != "decoder":
            return f"{self.name} takes decoders only, not {architecture}"
        if cell.compression:
            return f"{self.name} takes dense models only; {cell.compression[0]} compresses this one"
        return None


class Replicas(Parallelism):
    """A strategy that gives each process a share of the batch."""

    @property
    def cuts(self) -> int:
        """One share per process."""
        return self.degree

    @property
    def shares(self) -> int:
        """One share per process."""
        return self.degree


registry: Registry[Parallelism] = Registry("parallelism", "parallelism")
register = registry.register


def strategy_choices(choices: Iterable[Choice]) -> list[Choice]:
    """A cell's parallelism without its launcher."""
    return [choice for choice in choices if choice.name != LAUNCHER]


def launcher_choice(choices: Iterable[Choice]) -> Choice:
    """The launcher that a cell's parallelism names, with the launcher's own options."""
    chosen = next((dict(one.options) for one in choices if one.name == LAUNCHER), {})
    name = chosen.pop(LAUNCHER, DEFAULT_LAUNCHER)
    return Choice(str(name), tuple(chosen.items()))


def with_launcher(choice: Choice) -> Choice:
    """The inverse of launcher_choice. The default launcher is left unnamed."""
    named: dict[str, Option] = {} if choice.name == DEFAULT_LAUNCHER else {LAUNCHER: choice.name}
    options = tuple(sorted({**named, **dict(choice.options)}.items()))
    return Choice(LAUNCHER, options, label=f"{LAUNCHER}={choice}")


def strategies(choices: Iterable[Choice]) -> list[Parallelism]:
    """The strategies with their options, in the order in which they change the model."""
    made = [registry.of(choice) for choice in strategy_choices(choices)]
    return sorted(made, key=lambda one: one.applied)


def degrees(cell: Cell) -> dict[str, int]:
    """Degrees above 1, by strategy."""
    return degrees_of(strategies(cell.parallelism))


def degrees_of(made: Iterable[Parallelism]) -> dict[str, int]:
    """Degrees above 1, by strategy, of entries with their options."""
    return {one.name: one.degree for one in made if one.degree > 1}


def world_size(cell: Cell) -> int:
    """The number of the cell's processes: the product of its strategies' degrees."""
    return prod(degrees(cell).values())


def oversubscribes(cell: Cell) -> bool:
    """True if the cell may run more processes than there are cores."""
    return any(choice.name == "oversubscribe" for choice in cell.parallelism)
