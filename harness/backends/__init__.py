"""What executes the model's graph. One file an entry."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from harness.domain.cell import Cell
from harness.domain.entry import Entry
from harness.domain.run import Host
from harness.registry import Registry

if TYPE_CHECKING:
    from torch import nn


class Backend(Entry):
    """A runtime for the model."""

    # Whether its logits are what other backends' are checked against.
    reference: ClassVar[bool] = False
    # Whether it runs the parts of a model that is split over processes.
    splits: ClassVar[bool] = False

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """A split model where the backend cannot run its parts: eager would, under its name."""
        if cell.parallelism and not self.splits:
            return f"{self.name} does not run models that are split over processes"
        return super().unsupported(cell, host)

    @abstractmethod
    def prepare(self, model: nn.Module) -> nn.Module:
        """The model as this runtime executes it, called like the one given."""


registry: Registry[Backend] = Registry("backend", "backends")
register = registry.register
