"""One registry per axis: entries by name, from this package and from outside packages."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, entry_points
from typing import Generic, TypeVar

from harness.domain.cell import Choice
from harness.domain.entry import Entry
from harness.errors import PluginError, UnknownName

T = TypeVar("T", bound=Entry)

# Each has a registry and an entry-point group `harness.<room>`.
ROOMS = (
    *("backends", "compression", "hardware", "launchers"),
    *("metrics", "operators", "parallelism", "scenarios"),
)


@dataclass(frozen=True)
class OutsidePackage:
    """An installed package that adds entries through entry points."""

    distribution: Distribution
    modules: frozenset[str]  # the top-level modules that its entry points name

    @property
    def name(self) -> str:
        """The name it is installed by."""
        return self.distribution.name


def outside_packages() -> list[OutsidePackage]:
    """All installed outside packages, sorted by name; none of them is imported."""
    every = entry_points()  # once: it reads the metadata of every installed package
    points = [point for room in (*ROOMS, "axes") for point in every.select(group=f"harness.{room}")]
    packages = {point.dist.name: point.dist for point in points if point.dist is not None}
    return [
        OutsidePackage(
            packages[name],
            frozenset(
                point.module.partition(".")[0]
                for point in points
                if point.dist is not None and point.dist.name == name
            ),
        )
        for name in sorted(packages)
    ]


class Registry(Generic[T]):
    """The entries of one axis. A room's modules are imported, and register, at the first look-up.

    An outside package adds an entry through the entry-point group `harness.<room>`; the value
    names the module that registers it:

        [project.entry-points."harness.operators"]
        shiny = "my_package.shiny"
    """

    def __init__(self, kind: str, room: str) -> None:
        self.kind, self.room = kind, room
        self._entries: dict[str, type[T]] = {}
        self._discovered = False

    def register(self, name: str, summary: str) -> Callable[[type[T]], type[T]]:
        """Class decorator: file the entry under its name. A name can be taken only once."""

        def file(entry: type[T]) -> type[T]:
            holder = self._entries.get(name)
            if holder is not None and holder.__module__ != entry.__module__:
                raise PluginError(
                    f"{self.kind} {name!r} is registered twice: "
                    f"by {holder.__module__} and by {entry.__module__}"
                )
            entry.name, entry.summary = name, summary
            self._entries[name] = entry
            return entry

        return file

    def __getitem__(self, name: str) -> type[T]:
        """The entry of that name; UnknownName, which suggests the nearest one, if there is none."""
        self._discover()
        try:
            return self._entries[name]
        except KeyError:
            raise UnknownName(self.kind, name, self._entries) from None

    def of(self, choice: Choice) -> T:
        """The entry that a spec chose, with the options that the spec gives."""
        return self[choice.name].of(choice)

    def __contains__(self, name: object) -> bool:
        self._discover()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        self._discover()
        return iter(sorted(self._entries))

    def entries(self) -> list[type[T]]:
        """All entries, sorted by name."""
        return [self[name] for name in self]

    def registered(self) -> list[type[T]]:
        """All entries in the order of registration; within a module, in the order of its code."""
        self._discover()
        return list(self._entries.values())

    def _discover(self) -> None:
        if self._discovered:
            return
        package = importlib.import_module(f"harness.{self.room}")
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{module.name}")
        load_outside(self.kind, self.room)
        self._discovered = True


def load_outside(kind: str, room: str) -> None:
    """Import the outside packages' modules that add to a room or to the table of axes."""
    for point in entry_points(group=f"harness.{room}"):
        try:
            point.load()
        except PluginError:
            raise
        except Exception as error:
            raise PluginError(
                f"the {kind} plug-in {point.name!r} ({point.value}, from "
                f"{point.dist.name if point.dist else 'an unknown package'}) "
                f"failed to load: {type(error).__name__}: {error}"
            ) from error
