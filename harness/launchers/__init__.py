"""Launchers start the ranks of a parallel cell and all-reduce their gradients. One file each.

The default is torch's own. The others are optional packages, imported only for a cell that names
them.
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
from harness.parallelism import degrees, launcher_choice
from harness.process import forked
from harness.registry import Registry

if TYPE_CHECKING:
    from harness.distributed.assemble import Whole
    from harness.distributed.split import Split

RankMain = Callable[[int], None]  # runs in each rank, with the rank's number

INSTALL = "`make launchers` installs it"


class RankHandles(ABC):
    """Handles of a round's ranks, provided by the launcher that started them."""

    @abstractmethod
    def pids(self) -> Mapping[int, int]:
        """Process ids by rank, without the ranks that have not started yet."""

    @abstractmethod
    def ended(self, rank: int) -> int | None:
        """The rank's wait status. None while it runs.

        Raises the launcher's own error if the launcher failed to start the rank or gave it up.
        """


class Launcher(Entry):
    """Starts the ranks and all-reduces their gradients."""

    package: ClassVar[str] = ""  # imported beside torch; "" means torch alone
    requires: ClassVar[Collection[str]] = ()  # packages that `package` needs but does not install
    modules: ClassVar[Collection[str]] = ()  # imported before the ranks start
    strategies: ClassVar[Collection[str]] = ()  # strategies it can split by; empty means all
    only_trains: ClassVar[bool] = False
    # Time to launch beside starting processes: an estimate, for `harness plan`.
    launch_seconds: ClassVar[float] = 0.0

    @classmethod
    def version(cls) -> str:
        """The installed package and its version, e.g. `lightning 2.6.6`."""
        package = cls.package or "torch"
        try:
            return f"{package} {version(package)}"
        except PackageNotFoundError:  # its distribution has another name than the module
            return package

    @classmethod
    def unavailable(cls, host: Host) -> str | None:
        """Checks that the package, and each package it requires, is installed."""
        if cls.package and find_spec(cls.package) is None:
            return f"{cls.name} is not installed here: {INSTALL}"
        for package in cls.requires:
            if find_spec(package) is None:
                return f"{cls.name} needs {package}: {INSTALL}"
        return None

    @property
    def starts_descendants(self) -> bool:
        """False if the ranks are not descendants of the round's own process."""
        return True

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """Also refuses a cell with a single process, which needs no launcher."""
        split = degrees(cell)
        if not split:
            return f"{self.name} has nothing to do in one process: give a degree, {{data: 2}}"
        return self.refuses(cell, split) or self.unavailable(host)

    def refuses(self, cell: Cell, degrees: Mapping[str, int]) -> str | None:
        """Why the launcher cannot split the cell by these degrees. None if it can."""
        odd = [name for name in degrees if self.strategies and name not in self.strategies]
        if odd:
            return f"{self.name} splits by {', '.join(self.strategies)}, not by {odd[0]}"
        return None

    def preload(self) -> None:
        """Imports the ranks' modules once, before any rank starts."""
        for module in self.modules:
            import_module(module)

    @contextmanager
    def started(self, world: int, main: RankMain, folder: Path) -> Iterator[RankHandles]:
        """Starts `world` ranks that run `main`; by default, forks them. Only they use `folder`."""
        yield ForkedRanks([forked(partial(main, rank)) for rank in range(world)])

    def enter(self) -> None:
        """Called in each rank before its work. Joins the other ranks, if the launcher needs it."""

    @abstractmethod
    def assemble(self, whole: Whole) -> Split:
        """This rank's part of the model, set up to train together with those of other ranks."""


class ForkedRanks(RankHandles):
    """Handles of ranks that this process forked."""

    def __init__(self, pids: Collection[int]) -> None:
        self._pids = dict(enumerate(pids))
        self._ended: dict[int, int] = {}

    def pids(self) -> Mapping[int, int]:
        """All ranks: fork returns process ids at once."""
        return self._pids

    def ended(self, rank: int) -> int | None:
        """Asks the kernel, and keeps the wait status: the kernel returns it only once."""
        if rank not in self._ended:
            pid, wait_status = os.waitpid(self._pids[rank], os.WNOHANG)
            if not pid:
                return None
            self._ended[rank] = wait_status
        return self._ended[rank]


registry: Registry[Launcher] = Registry("launcher", "launchers")
register = registry.register


def launcher_of(cell: Cell) -> Launcher:
    """The launcher of the cell's ranks, with its options."""
    return registry.of(launcher_choice(cell.parallelism))
