"""Memory: what processes hold now, and the most this one held in a phase."""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    import torch

_PAGE = resource.getpagesize()
_PROC = Path("/proc/self/statm").exists()


def resident_bytes(pid: int) -> int:
    """Bytes resident in the process and all its descendants; 0 once they are gone.

    Read from /proc where there is one: it costs microseconds, so that watching a round does
    not disturb it. Pages that processes share are counted in each.
    """
    if _PROC:
        return _resident_by_proc(pid)
    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
        return sum(one.memory_info().rss for one in family)
    except psutil.NoSuchProcess:
        return 0


def _resident_by_proc(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):  # it ended while being looked at
        return 0
    return pages * _PAGE + sum(_resident_by_proc(int(child)) for child in children)


def oom_kills() -> int:
    """How many processes the kernel has killed for want of memory since boot; 0 if untold."""
    vmstat = Path("/proc/vmstat")
    if not vmstat.exists():
        return 0
    rows = (line.split() for line in vmstat.read_text().splitlines())
    return next((int(value) for key, value in rows if key == "oom_kill"), 0)


class PeakMemory:
    """The most memory this process held since the last restart of the count, in bytes.

    On a GPU what torch reserved there; else what was resident. Linux forgets the peak of the
    load phase when told to (clear_refs 5); where the system has no such call, later phases
    include the earlier ones.
    """

    def __init__(self, device: torch.device) -> None:
        self._on_gpu = device.type == "cuda"

    def restart(self) -> None:
        """Forget the peak so far."""
        if self._on_gpu:
            import torch

            torch.cuda.reset_peak_memory_stats()
        elif _PROC:
            Path("/proc/self/clear_refs").write_text("5")

    def bytes(self) -> int:
        """The peak since the restart."""
        if self._on_gpu:
            import torch

            return torch.cuda.max_memory_reserved()
        if _PROC:
            return _status_bytes("VmHWM")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def _status_bytes(key: str) -> int:
    rows = Path("/proc/self/status").read_text().splitlines()
    value = next(row.split()[1] for row in rows if row.startswith(f"{key}:"))
    return int(value) * 1024
