"""The runtimes that execute a cell's model. One file per entry."""

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
    """A runtime: says what it supports and opens sessions on models."""

    # True for the reference: the logits of all other backends are checked against its logits.
    reference: ClassVar[bool] = False
    # True if it can run a rank's part of a model that is split over processes.
    splits: ClassVar[bool] = False
    # True if it executes the torch module itself, with the cell's operator and compression. Others
    # have their own kernels and support dense models with the operator sdpa only.
    executes_modules: ClassVar[bool] = True
    # A guess of how much longer it takes than eager to open a session, for the plan.
    open_seconds: ClassVar[float] = 0.0

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """By default checks parallelism, compression and operator."""
        if reason := super().unsupported(cell, host):
            return reason
        if cell.parallelism and not self.splits:
            return f"{self.name} does not run models that are split over processes"
        if self.executes_modules:
            return None
        if cell.compression:
            return (
                f"{self.name} runs dense models only, without compression ({cell.compression[0]})"
            )
        if cell.operator.name != "sdpa":
            return f"{self.name} has its own attention kernels and does not run {cell.operator}"
        return None

    @abstractmethod
    def open(self, opening: Opening) -> Session:
        """Opens a session on the cell's model."""


registry: Registry[Backend] = Registry("backend", "backends")
register = registry.register
