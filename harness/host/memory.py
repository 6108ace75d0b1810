"""Memory that processes hold now, looked at from outside."""

from __future__ import annotations

import resource
from pathlib import Path

import psutil

from harness.process import family

_PAGE = resource.getpagesize()
_PROC = Path("/proc/self/statm").exists()


def resident_below(pid: int) -> int:
    """Bytes resident in all descendants of the process, it left out; 0 once they are gone.

    Read from /proc where there is one: it costs 0.1 ms a process, so that watching a round does
    not disturb it. Pages that processes share are counted in each.
    """
    if _PROC:
        return sum(_resident_alone(one) for one in family(pid) if one != pid)
    try:
        children = psutil.Process(pid).children(recursive=True)
        return sum(one.memory_info().rss for one in children)
    except psutil.NoSuchProcess:
        return 0


def _resident_alone(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (FileNotFoundError, ProcessLookupError):
        return 0


def oom_kills() -> int:
    """How many processes the kernel has killed for want of memory since boot; 0 if untold."""
    vmstat = Path("/proc/vmstat")
    if not vmstat.exists():
        return 0
    rows = (line.split() for line in vmstat.read_text().splitlines())
    return next((int(value) for key, value in rows if key == "oom_kill"), 0)
