"""What executes the model's graph. One file an entry."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from harness.domain.entry import Entry
from harness.registry import Registry

if TYPE_CHECKING:
    from torch import nn


class Backend(Entry):
    """A runtime for the model."""

    @abstractmethod
    def prepare(self, model: nn.Module) -> nn.Module:
        """The model as this runtime executes it, called like the one given."""


registry: Registry[Backend] = Registry("backend", "backends")
register = registry.register
