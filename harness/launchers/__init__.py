"""Who starts the processes of a split cell, and has them exchange what they learn.

One file an engine. The default is torch's own. The others are optional: imported where a cell names
them, and nowhere else.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from harness.domain.cell import Cell
from harness.domain.entry import Entry
from harness.domain.run import Host
from harness.process import forked
from harness.registry import Registry

if TYPE_CHECKING:
    from harness.distributed.assemble import Whole
    from harness.distributed.split import Split

Work = Callable[[int], None]  # what the rank of that number does

INSTALL = "`make engines` installs it"


class Crew(ABC):
    """The processes of a round, once they are started."""

    @abstractmethod
    def pids(self) -> Mapping[int, int]:
        """By rank its process, of those that are there by now."""

    @abstractmethod
    def ended(self, rank: int) -> int | None:
        """Its wait status, once it has ended.

        An engine's own error where it could not start the rank, or gave it up.
        """


class Engine(Entry):
    """Starts ranks, and averages their gradients."""

    package: ClassVar[str] = ""  # what of it is imported, beside torch
    beside: ClassVar[Collection[str]] = ()  # what it needs of others, and does not bring
    modules: ClassVar[Collection[str]] = ()  # of it, that its ranks need
    # The ways to split that it takes; all where there are none.
    strategies: ClassVar[Collection[str]] = ()
    only_trains: ClassVar[bool] = False
    launch_seconds: ClassVar[float] = 0.0  # beyond a process's own; a guess, for the plan's clock

    @classmethod
    def version(cls) -> str:
        """Of what is installed: `lightning 2.6.6`."""
        package = cls.package or "torch"
        try:
            return f"{package} {version(package)}"
        except PackageNotFoundError:  # it is installed under another name than it is imported by
            return package

    @classmethod
    def unavailable(cls, host: Host) -> str | None:
        """It is not installed, or not whole."""
        if cls.package and find_spec(cls.package) is None:
            return f"{cls.name} is not installed here: {INSTALL}"
        for package in cls.beside:
            if find_spec(package) is None:
                return f"{cls.name} needs {package}: {INSTALL}"
        return None

    @property
    def outside(self) -> bool:
        """Whether its ranks are no descendants of the process that has it start them."""
        return False

    def refuses(self, cell: Cell, degrees: Mapping[str, int]) -> str | None:
        """Why it cannot do what a cell asks, split over so many in each way; None where it can."""
        odd = [name for name in degrees if self.strategies and name not in self.strategies]
        if odd:
            return f"{self.name} splits by {', '.join(self.strategies)}, not by {odd[0]}"
        return None

    def preload(self) -> None:
        """Import what ranks need, before they are started, so that none of them pays for it."""
        for module in self.modules:
            import_module(module)

    @contextmanager
    def started(self, world: int, work: Work, folder: Path) -> Iterator[Crew]:
        """So many ranks at work; `folder` is theirs alone. By default this process's children."""
        yield Children([forked(partial(work, rank)) for rank in range(world)])

    def enter(self) -> None:
        """In a rank, before it works: meet the others, where the engine has its own way to."""

    @abstractmethod
    def assemble(self, whole: Whole) -> Split:
        """This rank's part of the model, which learns together with the others'."""


class Children(Crew):
    """Ranks that this process has forked."""

    def __init__(self, pids: Collection[int]) -> None:
        self._pids = dict(enumerate(pids))
        self._ended: dict[int, int] = {}

    def pids(self) -> Mapping[int, int]:
        """All of them."""
        return self._pids

    def ended(self, rank: int) -> int | None:
        """Asks the kernel."""
        if rank not in self._ended:
            pid, wait_status = os.waitpid(self._pids[rank], os.WNOHANG)
            if not pid:
                return None
            self._ended[rank] = wait_status
        return self._ended[rank]


registry: Registry[Engine] = Registry("launcher", "launchers")
register = registry.register
