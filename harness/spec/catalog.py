"""Everything that a spec can name: entries of each axis, model sizes, precisions, metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol, TypeVar

from harness import (
    backends,
    compression,
    hardware,
    launchers,
    metrics,
    operators,
    parallelism,
    scenarios,
)
from harness.domain.cell import Choice
from harness.domain.entry import Entry
from harness.domain.precision import PRECISIONS, Precision
from harness.launchers import Launcher
from harness.model.sizes import SIZES, Size
from harness.parallelism import LAUNCHER, Parallelism, launcher_choice, strategy_choices
from harness.registry import load_outside

E_co = TypeVar("E_co", bound=Entry, covariant=True)


class Entries(Protocol[E_co]):
    """Entries by name: a Registry, or a dictionary."""

    def __getitem__(self, name: str, /) -> type[E_co]: ...
    def __contains__(self, name: object, /) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...


@dataclass(frozen=True)
class Catalog:
    """The entries of every axis, launchers, sizes, precisions and metrics."""

    hardware: Entries[hardware.Hardware]
    scenario: Entries[scenarios.Scenario]
    parallelism: Entries[Parallelism]
    launcher: Entries[Launcher]
    compression: Entries[compression.Compression]
    operator: Entries[operators.Operator]
    backend: Entries[backends.Backend]
    sizes: Mapping[str, Size]
    precisions: Mapping[str, Precision]
    metrics: Entries[metrics.Metric]
    added: Mapping[str, Entries[Entry]] = field(default_factory=dict)  # of added axes, by axis

    def entries(self, axis: str) -> Entries[Entry]:
        """The entries of an axis, or of `launcher`; model and precision have none."""
        found: Entries[Entry] = self.added[axis] if axis in self.added else getattr(self, axis)
        return found

    def has_entries(self, axis: str) -> bool:
        """True if the values of the axis are entries."""
        return axis in self.added or hasattr(self, axis)

    def strategies(self, choices: Iterable[Choice]) -> list[Parallelism]:
        """The strategies of a cell's parallelism, with their options."""
        return [self.parallelism[one.name].of(one) for one in strategy_choices(choices)]

    def parallelism_part(self, choice: Choice) -> Parallelism | Launcher:
        """A strategy or the launcher of a cell's parallelism, with its options."""
        if choice.name == LAUNCHER:
            launcher = launcher_choice([choice])
            return self.launcher[launcher.name].of(launcher)
        return self.parallelism[choice.name].of(choice)


ADDED: dict[str, Entries[Entry]] = {}  # entries of the axes of outside packages: see add_axis


@cache  # scanning the installed packages takes some 20 ms
def find_axes() -> None:
    """Add the axes of outside packages to the table of axes."""
    load_outside("axis", "axes")


def registered() -> Catalog:
    """The catalog of this package and of installed plug-ins."""
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
        metrics=metrics.registry,
        added=ADDED,
    )
