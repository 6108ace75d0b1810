"""The runtimes that execute a cell's model. One file an entry."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from harness.domain.cell import Cell
from harness.domain.entry import Entry
from harness.domain.run import Host
from harness.registry import Registry

if TYPE_CHECKING:
    from harness.session import Opening, Session


class Backend(Entry):
    """A runtime: says what it supports, and opens sessions on models."""

    # True for the one whose logits all others are checked against, on the same weights.
    reference: ClassVar[bool] = False
    # True if it runs a rank's part of a model that is split over processes.
    splits: ClassVar[bool] = False
    # True if it executes the torch module as it was built, with the cell's operator and
    # compression. Others have kernels of their own, and support plain dense models only.
    executes_modules: ClassVar[bool] = True
    # What opening a session takes beyond eager's: a guess, for the plan's expected time.
    open_seconds: ClassVar[float] = 0.0

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """What backends of its kind cannot do; device, precision and scenario are each its own."""
        if reason := super().unsupported(cell, host):
            return reason
        if cell.parallelism and not self.splits:
            return f"{self.name} does not run models that are split over processes"
        if self.executes_modules:
            return None
        if cell.compression:
            return f"{self.name} runs dense models only, none compressed by {cell.compression[0]}"
        if cell.operator.name != "sdpa":
            return f"{self.name} has attention of its own, and no operator {cell.operator}"
        return None

    @abstractmethod
    def open(self, opening: Opening) -> Session:
        """A session on the cell's model."""


registry: Registry[Backend] = Registry("backend", "backends")
register = registry.register
