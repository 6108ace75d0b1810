"""The hardware's energy counters. Energy is read, never modelled or guessed.

Processors count by RAPL, which Linux exposes in files (Documentation/power/powercap). GPUs count by
NVML, read through NVIDIA's own binding (the extra `energy`). A counter covers a whole package or
card: it includes idle power and whatever else runs there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness.errors import Unsupported

NOT_HERE = "not measurable here"
POWERCAP = Path("/sys/class/powercap")
NO_BINDING = "reading a GPU's counter needs nvidia-ml-py (the extra `energy` of this package)"


@dataclass(frozen=True)
class Zone:
    """A RAPL zone: the file of its counter, and the microjoules at which the counter wraps."""

    file: Path
    wraps_at: int


class Rapl:
    """Processor packages and DRAM, summed."""

    update = 0.001  # Intel SDM, volume 3B, 16.10: about every millisecond

    def __init__(self, zones: Sequence[Zone]) -> None:
        self._zones = zones

    def read(self) -> tuple[int, ...]:
        """Microjoules of each zone."""
        return tuple(int(zone.file.read_text()) for zone in self._zones)

    def joules(self, start: Any, end: Any) -> float:
        """A counter takes many minutes to wrap, so it has wrapped once at most."""
        pairs = zip(start, end, self._zones, strict=True)
        microjoules = sum((last - first) % zone.wraps_at for first, last, zone in pairs)
        return float(microjoules) / 1e6


class Nvml:
    """GPUs, each with its memory, summed."""

    # A100 and H100 sample their power every 100 ms (Yang et al. 2024, arXiv 2312.02741).
    update = 0.1

    def __init__(self, library: Any, uuids: Sequence[str]) -> None:
        self._library = library
        library.nvmlInit()
        self._devices = [library.nvmlDeviceGetHandleByUUID(uuid) for uuid in uuids]

    def read(self) -> int:
        """Millijoules since the driver was loaded."""
        energy = self._library.nvmlDeviceGetTotalEnergyConsumption
        return sum(int(energy(device)) for device in self._devices)

    def joules(self, start: Any, end: Any) -> float:
        """The difference."""
        return float(end - start) / 1e3


def processor_counter(powercap: Path = POWERCAP) -> Rapl:
    """The counter of the host's processors. Raises Unsupported, with the reason, if it has none."""
    # A package zone includes its cores, and psys includes everything: only DRAM is separate.
    zones = [
        Zone(folder / "energy_uj", int((folder / "max_energy_range_uj").read_text()))
        for folder in sorted(powercap.glob("intel-rapl:*"))
        if (folder / "name").read_text().startswith(("package", "dram"))
    ]
    if not zones:
        raise Unsupported(f"{NOT_HERE}: this system exposes no RAPL counters")
    counter = Rapl(zones)
    try:
        counter.read()
    except PermissionError as error:
        raise Unsupported(f"{NOT_HERE}: this user may not read {error.filename}") from None
    return counter


def gpu_counter(uuids: Sequence[str]) -> Nvml:
    """The counter of the GPUs with these UUIDs. Raises Unsupported if one of them has none."""
    if find_spec("pynvml") is None:
        raise Unsupported(f"{NOT_HERE}: {NO_BINDING}")
    import pynvml

    try:
        counter = Nvml(pynvml, uuids)
        counter.read()
    except pynvml.NVMLError as error:
        raise Unsupported(f"{NOT_HERE}: NVML says: {error}") from None
    return counter
