"""Ways to make the model smaller or cheaper before it runs. One file an entry."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from harness.domain.entry import Entry
from harness.registry import Registry

if TYPE_CHECKING:
    from harness.model.transformer import Transformer


class Compression(Entry):
    """A transformation of a loaded model; several compose, in order."""

    differentiable: ClassVar[bool] = True  # whether the compressed model can be trained

    @abstractmethod
    def apply(self, model: Transformer) -> Transformer:
        """The compressed model; the one given may be changed in place and is not used again."""


registry: Registry[Compression] = Registry("compression", "compression")
register = registry.register
