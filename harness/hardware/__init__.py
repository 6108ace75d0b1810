"""Where a cell runs: a device and how much of it. One file an entry."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from harness.domain.cell import Cell
from harness.domain.entry import Entry
from harness.domain.run import Host
from harness.registry import Registry
from harness.timer import HostTimer, Timer

if TYPE_CHECKING:
    import torch


class Hardware(Entry):
    """A device of this host."""

    groups: ClassVar[str] = "gloo"  # what carries what ranks exchange, as torch spells it

    @abstractmethod
    def prepare(self, ranks: int, rank: int = 0) -> torch.device:
        """Set up the process (its threads, say) as one of `ranks` and name the device to use.

        Raises Unsupported where the device turns out not to be usable.
        """

    def timer(self) -> Timer:
        """What times this device's work."""
        return HostTimer()

    def devices(self, ranks: int) -> int:
        """How many such devices so many processes take: by default they share one."""
        return 1

    def crowded(self, ranks: int, host: Host) -> str | None:
        """Why so many processes have no room on the host; None where they have."""
        return None

    def obstacle(self, host: Host) -> str | None:
        """Why this host cannot do what the options ask; None where it can."""
        return self.unavailable(host)

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """The same, whatever the cell."""
        return self.obstacle(host)

    def device(self, host: Host) -> str:
        """The device's name, as its driver or the system tells it; "" where it is not known."""
        return ""

    def threads_on(self, host: Host) -> int | None:
        """Processor threads it computes with, all ranks together; None for other devices."""
        return None

    @abstractmethod
    def memory_bytes(self, host: Host) -> int:
        """Bytes of memory of one device, which the model must fit in."""

    def price_per_hour(self, host: Host) -> float | None:
        """US dollars an hour of one device, where a data sheet has a price.

        A spec's `prices` go before it.
        """
        return None


registry: Registry[Hardware] = Registry("hardware", "hardware")
register = registry.register
