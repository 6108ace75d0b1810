"""The memory that other processes hold now."""

from __future__ import annotations

import resource
from pathlib import Path

import psutil

from harness.process import family

_PAGE = resource.getpagesize()
_PROC = Path("/proc/self/statm").exists()


def resident_below(pid: int) -> int:
    """Resident bytes of all descendants of the process, without the process. 0 once they are gone.

    Reads /proc if there is one: at 0.1 ms per process, watching a round does not interfere with
    it. Pages that processes share count in each of them.
    """
    if _PROC:
        return sum(_resident_alone(member) for member in family(pid) if member != pid)
    try:
        children = psutil.Process(pid).children(recursive=True)
        return sum(child.memory_info().rss for child in children)
    except psutil.NoSuchProcess:
        return 0


def _resident_alone(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (FileNotFoundError, ProcessLookupError):
        return 0


def oom_kills() -> int:
    """How many processes the kernel has killed to free memory since boot. 0 if it counts none."""
    vmstat = Path("/proc/vmstat")
    if not vmstat.exists():
        return 0
    rows = (line.split() for line in vmstat.read_text().splitlines())
    return next((int(value) for key, value in rows if key == "oom_kill"), 0)
