"""Records what else the host does during a round: reads its counters before and after."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness import hardware
from harness.domain.cell import Cell
from harness.host import conditions
from harness.host.conditions import CPU
from harness.launchers import launcher_of
from harness.parallelism import world_size
from harness.process import family

_TICK = 1.0 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
# A round must span this many ticks, over all cores, so that one tick is at most a percent.
_LEAST_TICKS = 100


@dataclass(frozen=True)
class Reading:
    """The host's counters at one moment, since boot. Seconds are summed over all cores."""

    busy: float  # seconds in which a process or the kernel worked
    steal: float  # seconds that the hypervisor gave to other machines
    whole: float  # seconds in all, idle ones included
    ours: float  # seconds of this process and its descendants, even those that have ended
    swapped: int  # bytes moved to or from swap
    throttled: int | None  # times a core or package slowed down for heat; None if not counted


@dataclass
class Seen:
    """The facts and notes of watching a round."""

    facts: dict[str, float] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


class HostWatch:
    """Reads a few files of /proc and /sys, in well under a millisecond.

    Leaves out the facts of files that do not exist, as on systems other than Linux.
    """

    def __init__(self) -> None:
        self._throttle = list(_throttle_files())
        # Without the list of children, our own work would count as that of others.
        needed = ("/proc/stat", "/proc/vmstat", f"/proc/self/task/{os.getpid()}/children")
        self._has_counters = all(Path(file).exists() for file in needed)

    @contextmanager
    def around(self, cell: Cell) -> Iterator[Seen]:
        """Watches a round of the cell. The yielded `Seen` is complete once the `with` ends."""
        neighbours = hardware.registry.of(cell.hardware).neighbours(world_size(cell))
        seen = Seen({"host_load": os.getloadavg()[0], **neighbours})
        first = self.read()
        yield seen
        last = self.read()
        if first is not None and last is not None:
            seen.facts |= between(first, last)
        if not launcher_of(cell).starts_descendants:
            seen.facts.pop("host_others", None)  # it would include the ranks' own work
        megahertz = conditions.megahertz()  # of the first core, as the round ends
        if megahertz is not None:
            seen.facts["host_mhz"] = megahertz
        settings = {"host_governor": conditions.governor(), "host_turbo": conditions.turbo()}
        seen.notes |= {name: value for name, value in settings.items() if value is not None}

    def read(self) -> Reading | None:
        """The counters now. None if the system lacks the files."""
        if not self._has_counters:
            return None
        user, nice, system, idle, wait, irq, soft, steal = _cpu_seconds()
        busy = user + nice + system + irq + soft
        return Reading(
            busy=busy,
            steal=steal,
            whole=busy + idle + wait + steal,
            ours=sum(_process_seconds(pid) for pid in family(os.getpid())),
            swapped=_swapped(),
            throttled=sum(int(file.read_text()) for file in self._throttle)
            if self._throttle
            else None,
        )


def between(first: Reading, last: Reading) -> Mapping[str, float]:
    """The differences between two readings, as a round's facts.

    Shares are of the time of all cores. They are left out if the kernel's ticks are too coarse
    for so short a time.
    """
    facts = {"host_swapped": float(last.swapped - first.swapped)}
    if first.throttled is not None and last.throttled is not None:
        facts["host_throttled"] = float(last.throttled - first.throttled)
    whole = last.whole - first.whole
    if whole >= _LEAST_TICKS * _TICK:
        others = (last.busy - first.busy) - (last.ours - first.ours)
        facts["host_others"] = max(0.0, others / whole)
        facts["host_steal"] = (last.steal - first.steal) / whole
    return facts


def _cpu_seconds() -> list[float]:
    """The first eight columns of the line for all cores. User time includes that of guests."""
    with Path("/proc/stat").open() as stat:
        return [int(ticks) * _TICK for ticks in stat.readline().split()[1:9]]


def _process_seconds(pid: int) -> float:
    """CPU time of a process and of the children it has waited for. 0 once it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    fields = stat.rpartition(")")[2].split()  # a name may contain spaces and brackets
    return sum(map(int, fields[11:15])) * _TICK


def _swapped() -> int:
    rows = (line.split() for line in Path("/proc/vmstat").read_text().splitlines())
    return sum(int(value) for key, value in rows if key in {"pswpin", "pswpout"}) * _PAGE


def _throttle_files() -> Iterator[Path]:
    """One counter per core and one per package, if the processor counts."""
    seen: set[tuple[str, str]] = set()
    for folder in sorted(CPU.glob("cpu[0-9]*/thermal_throttle")):
        for kind, list_name in (("core", "core_cpus_list"), ("package", "package_cpus_list")):
            file = folder / f"{kind}_throttle_count"
            sharing = folder.parent / "topology" / list_name
            if file.exists() and sharing.exists():
                key = (kind, sharing.read_text())
                if key not in seen:
                    seen.add(key)
                    yield file
