"""Where a cell runs: a device and how much of it. One file an entry.

What differs from device to device is a method of its entry: its timer, the probe of its memory, its
counters. Nothing else asks which device it is, but for kernels, which are chosen by `kind`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Protocol

from harness.domain.cell import Cell
from harness.domain.entry import Entry
from harness.domain.run import Host
from harness.hardware.caches import last_level_bytes
from harness.hardware.energy_counters import processor_counter
from harness.hardware.resident import ResidentMemory
from harness.registry import Registry
from harness.timer import HostTimer, Timer

if TYPE_CHECKING:
    import torch


class MemoryProbe(Protocol):
    """Reads the memory that this process holds on a device, in bytes."""

    def restart(self) -> None:
        """Forget the peak so far."""

    def now(self) -> int:
        """What is held at this moment."""

    def peak(self) -> int:
        """The most held since the last restart."""

    def facts(self) -> Mapping[str, float]:
        """Further peaks that the device counts, as facts of a round."""


class EnergyCounter(Protocol):
    """A counter that only goes up; only differences of its readings mean something."""

    update: float  # seconds between two updates of the reading

    def read(self) -> object:
        """Its reading now."""

    def joules(self, start: object, end: object) -> float:
        """The energy between two readings."""


class Hardware(Entry):
    """A device of this host. The defaults are those of the host's processor."""

    kind: ClassVar[str] = "cpu"  # the device's type, as torch spells it
    groups: ClassVar[str] = "gloo"  # what carries what ranks exchange, as torch spells it

    @abstractmethod
    def prepare(self, ranks: int, rank: int = 0) -> torch.device:
        """Set up the process (its threads, say) as one of `ranks` and name the device to use.

        Raises Unsupported where the device turns out not to be usable.
        """

    def timer(self) -> Timer:
        """Times this device's work."""
        return HostTimer()

    def memory(self) -> MemoryProbe:
        """Reads the memory that this process holds on its device."""
        return ResidentMemory()

    def cache_bytes(self) -> int:
        """Bytes of the last-level cache; raises Unsupported if the system does not report it."""
        return last_level_bytes()

    def free_bytes(self) -> int:
        """Bytes of the device's memory that nothing uses now."""
        import psutil

        free: int = psutil.virtual_memory().available
        return free

    def resources(self, threads: int) -> str:
        """What a process with so many threads computes with, e.g. `4 threads`."""
        return f"{threads} thread{'' if threads == 1 else 's'}"

    def energy_counter(self, ranks: int) -> EnergyCounter:
        """Counts the energy of the devices of so many ranks; called in rank 0.

        Raises Unsupported, with the reason, if they have no counter or it may not be read.
        """
        return processor_counter()

    def clocks(self, ranks: int, when: str) -> Mapping[str, float]:
        """Clocks and temperature of the ranks' devices, as facts named after `when`; in rank 0."""
        return {}

    def neighbours(self, ranks: int) -> Mapping[str, float]:
        """Other processes on the devices of so many ranks, as facts, while none of ours runs."""
        return {}

    def connect(self, device: torch.device) -> None:
        """Connect the ranks, if their transport would otherwise do so in the first exchange."""

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
