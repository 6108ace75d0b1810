"""The device that a cell runs on, and how much of it. One file per entry.

Everything that differs from device to device is a method of the entry: timer, memory probe,
counters. Only the choice of kernels depends on the device elsewhere, through `kind`.
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
        """Resets the peak."""

    def now(self) -> int:
        """The memory held now."""

    def peak(self) -> int:
        """The most memory held since the last restart."""

    def facts(self) -> Mapping[str, float]:
        """Further peaks that the device counts, as facts of a round."""


class EnergyCounter(Protocol):
    """A counter that only goes up. Only differences between its readings have a meaning."""

    update: float  # seconds between two updates of the reading

    def read(self) -> object:
        """The reading now."""

    def joules(self, start: object, end: object) -> float:
        """The energy between two readings."""


class Hardware(Entry):
    """A device of this host. By default, methods describe the host's processor."""

    kind: ClassVar[str] = "cpu"  # the device's type, as torch spells it
    groups: ClassVar[str] = "gloo"  # the ranks' communication backend, as torch spells it

    @abstractmethod
    def prepare(self, ranks: int, rank: int = 0) -> torch.device:
        """Sets up the process (its threads, say) as one of `ranks`, and returns its device.

        Raises Unsupported if the device turns out not to be usable.
        """

    def timer(self) -> Timer:
        """A timer of this device's work."""
        return HostTimer()

    def memory(self) -> MemoryProbe:
        """A probe of the memory that this process holds on its device."""
        return ResidentMemory()

    def cache_bytes(self) -> int:
        """Bytes of the last-level cache. Raises Unsupported if the system does not report them."""
        return last_level_bytes()

    def free_bytes(self) -> int:
        """Bytes of the device's memory that are free now."""
        import psutil

        free: int = psutil.virtual_memory().available
        return free

    def resources(self, threads: int) -> str:
        """A label for the resources of a process with this many threads, e.g. `4 threads`."""
        return f"{threads} thread{'' if threads == 1 else 's'}"

    def energy_counter(self, ranks: int) -> EnergyCounter:
        """A counter of the energy of all ranks' devices. Only rank 0 calls this.

        Raises Unsupported, with the reason, if there is no counter or this user may not read it.
        """
        return processor_counter()

    def clocks(self, ranks: int, when: str) -> Mapping[str, float]:
        """Clocks and temperatures of all ranks' devices, as facts whose names end in `when`.

        Only rank 0 calls this.
        """
        return {}

    def neighbours(self, ranks: int) -> Mapping[str, float]:
        """Facts about other processes on the ranks' devices. Called while no rank runs."""
        return {}

    def connect(self, device: torch.device) -> None:
        """Connects the ranks, if their transport would otherwise connect in the first exchange."""

    def devices(self, ranks: int) -> int:
        """How many devices this many processes take. By default they share one."""
        return 1

    def crowded(self, ranks: int, host: Host) -> str | None:
        """Why the host has no room for this many processes. None if it has."""
        return None

    def obstacle(self, host: Host) -> str | None:
        """Why this host cannot provide what the options ask for. None if it can."""
        return self.unavailable(host)

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """The obstacle, whatever the cell."""
        return self.obstacle(host)

    def device(self, host: Host) -> str:
        """The device's name, as the driver or the system reports it. "" if it is not known."""
        return ""

    def threads_on(self, host: Host) -> int | None:
        """The processor threads that all ranks use together. None for other devices."""
        return None

    @abstractmethod
    def memory_bytes(self, host: Host) -> int:
        """The memory of one device in bytes. The model must fit in it."""

    def price_per_hour(self, host: Host) -> float | None:
        """The price of one device in US dollars an hour. None if no data sheet has a price.

        A spec's `prices` override it.
        """
        return None


registry: Registry[Hardware] = Registry("hardware", "hardware")
register = registry.register
