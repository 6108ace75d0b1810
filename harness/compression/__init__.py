"""Ways to make the model smaller or cheaper before it runs. One file an entry."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from harness.domain.cell import Cell
from harness.domain.entry import Entry
from harness.registry import Registry

if TYPE_CHECKING:
    from harness.model.transformer import Transformer


class Compression(Entry):
    """A transformation of a loaded model; several compose, in order."""

    differentiable: ClassVar[bool] = True  # whether the compressed model can be trained
    # The format its matrix products run in, e.g. "int8"; None leaves the cell's precision.
    computes: ClassVar[str | None] = None

    @abstractmethod
    def apply(self, model: Transformer) -> Transformer:
        """The compressed model; the one given may be changed in place and is not used again."""


registry: Registry[Compression] = Registry("compression", "compression")
register = registry.register


def compute_format(cell: Cell) -> str:
    """The format the cell's matrix products run in: what its last compression says, if any does."""
    told = [registry[choice.name].computes for choice in cell.compression]
    return next((one for one in reversed(told) if one), cell.precision.name)
