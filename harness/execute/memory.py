"""Memory that processes hold now, looked at from outside."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

_PAGE = resource.getpagesize()
_PROC = Path("/proc/self/statm").exists()


def resident_bytes(pid: int) -> int:
    """Bytes resident in the process and all its descendants; 0 once they are gone.

    Read from /proc where there is one: it costs 0.1 ms a process, so that watching a round does
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


def family(pid: int) -> Iterator[int]:
    """The process and all its living descendants, by Linux's /proc."""
    yield pid
    for child in _children(pid):
        yield from family(child)


def _children(pid: int) -> list[int]:
    """Of all its threads: a Java machine starts none from its first."""
    told: list[str] = []
    with suppress(FileNotFoundError, ProcessLookupError):  # it, or a thread, ended meanwhile
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                told += (thread / "children").read_text().split()
    return [int(child) for child in told]


def _resident_by_proc(pid: int) -> int:
    return sum(_resident_alone(one) for one in family(pid))


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
