"""What a spec can name: the registered entries of each axis, the sizes, the precisions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol, TypeVar

from harness import backends, compression, hardware, launchers, operators, parallelism, scenarios
from harness.domain.cell import Choice
from harness.domain.entry import Entry
from harness.domain.precision import PRECISIONS, Precision
from harness.launchers import Launcher
from harness.model.sizes import SIZES, Size
from harness.parallelism import LAUNCHER, Parallelism, launcher_choice, strategy_choices
from harness.registry import load_outside

E_co = TypeVar("E_co", bound=Entry, covariant=True)


class Entries(Protocol[E_co]):
    """Entries by name: what a Registry offers, and a dictionary."""

    def __getitem__(self, name: str, /) -> type[E_co]: ...
    def __contains__(self, name: object, /) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...


@dataclass(frozen=True)
class Catalog:
    """The possible values of every axis, and the launchers that `parallelism` can name."""

    hardware: Entries[hardware.Hardware]
    scenario: Entries[scenarios.Scenario]
    parallelism: Entries[Parallelism]
    launcher: Entries[Launcher]
    compression: Entries[compression.Compression]
    operator: Entries[operators.Operator]
    backend: Entries[backends.Backend]
    sizes: Mapping[str, Size]
    precisions: Mapping[str, Precision]
    added: Mapping[str, Entries[Entry]] = field(default_factory=dict)  # by axis

    def entries(self, axis: str) -> Entries[Entry]:
        """The entries of an axis, or the launchers; model and precision have none."""
        found: Entries[Entry] = self.added[axis] if axis in self.added else getattr(self, axis)
        return found

    def has_entries(self, axis: str) -> bool:
        """Whether the axis has any."""
        return axis in self.added or hasattr(self, axis)

    def strategies(self, choices: Iterable[Choice]) -> list[Parallelism]:
        """The strategies of a cell's parallelism, with their options."""
        return [self.parallelism[one.name].of(one) for one in strategy_choices(choices)]

    def of_parallelism(self, choice: Choice) -> Parallelism | Launcher:
        """One part of a cell's parallelism, with its options: a strategy, or the launcher."""
        if choice.name == LAUNCHER:
            own = launcher_choice([choice])
            return self.launcher[own.name].of(own)
        return self.parallelism[choice.name].of(choice)


ADDED: dict[str, Entries[Entry]] = {}  # of axes from outside packages: see add_axis


@cache  # a look at the installed packages takes some 20 ms
def find_axes() -> None:
    """Complete the table of axes by those of outside packages."""
    load_outside("axis", "axes")


def registered() -> Catalog:
    """Everything that this package and installed plug-ins register."""
    find_axes()
    return Catalog(
        hardware=hardware.registry,
        scenario=scenarios.registry,
        parallelism=parallelism.registry,
        launcher=launchers.registry,
        compression=compression.registry,
        operator=operators.registry,
        backend=backends.registry,
        sizes=SIZES,
        precisions=PRECISIONS,
        added=ADDED,
    )
