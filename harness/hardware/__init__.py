"""Where a cell runs: a device and how much of it. One file an entry."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from harness.domain.entry import Entry
from harness.domain.run import Host
from harness.registry import Registry

if TYPE_CHECKING:
    import torch


class Hardware(Entry):
    """A device of this host."""

    @abstractmethod
    def prepare(self, ranks: int) -> torch.device:
        """Set up the process (its threads, say) as one of `ranks` and name the device to use.

        Raises Unsupported where the device turns out not to be usable.
        """

    @abstractmethod
    def memory_bytes(self, host: Host) -> int:
        """Bytes of memory that the model must fit in."""

    def price_per_hour(self, host: Host) -> float | None:
        """US dollars an hour where a data sheet has a price; a spec's `prices` go before it."""
        return None


registry: Registry[Hardware] = Registry("hardware", "hardware")
register = registry.register
