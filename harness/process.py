"""The few system calls that processes of the harness share."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

# Asks a round, and it its ranks, where they stand.
ASK = signal.SIGUSR1
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
_PAUSE_SECONDS = 0.002


def identity(pid: int | None = None) -> tuple[int, float]:
    """A process's number, by default this one's, and when it started, which no later one shares.

    psutil.NoSuchProcess where there is none.
    """
    process = psutil.Process(pid)
    return process.pid, process.create_time()


def is_alive(pid: int, started: float) -> bool:
    """Whether that very process still runs: a later one may bear the same number."""
    try:
        return abs(identity(pid)[1] - started) < 1.0
    except psutil.NoSuchProcess:
        return False


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, however that ends.

    Linux only; elsewhere a process that loses its parent ends at its next message.
    """
    when_parent_ends(signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the kernel was asked
        os._exit(1)


def when_parent_ends(number: signal.Signals) -> None:
    """Have the kernel send this process a signal when its parent ends. Linux only."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, number)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends: no daemon escapes. Linux only.

    See PR_SET_CHILD_SUBREAPER in prctl(2).
    """
    if _libc is not None:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def forked(work: Callable[[], None]) -> int:
    """Fork a process that does the work and nothing else; its process id.

    It dies with this one, and ends without any clean-up, as nothing of its caller's may run
    twice. An exception ends it with exit code 1 and its traceback printed.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        die_with_parent(parent)
        work()
    except BaseException:  # noqa: BLE001 - nothing above this frame may run in the forked process
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def child_environment() -> dict[str, str]:
    """This process's environment, with what a child that measures needs beside it."""
    return {
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",  # a spec's `index` is the driver's, not by speed
        **os.environ,
        "OPENBLAS_NUM_THREADS": "1",  # NumPy starts threads at import, and then forks are unsafe
    }


def signal_name(number: int) -> str:
    """SIGSEGV for 11."""
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have no names
        return f"signal {number}"


def family(pid: int) -> Iterator[int]:
    """The process and all its living descendants, by Linux's /proc."""
    yield pid
    for child in _children(pid):
        yield from family(child)


def _children(pid: int) -> list[int]:
    """Of all its threads: a Java machine starts none from its first."""
    found: list[str] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it, or a thread, has ended
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found += (thread / "children").read_text().split()
    return [int(child) for child in found]


def end_group(pid: int) -> None:
    """Kill the process's whole group; nothing where it is gone."""
    # PermissionError is macOS's way to say that only zombies are left in the group.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def end_descendants(ancestor: int) -> list[int]:
    """Kill every descendant of the process; those that were there."""
    found = [one for one in family(ancestor) if one != ancestor]
    for one in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    return found


def end_and_reap_descendants(zombie: int, seconds: float) -> None:
    """Kill and reap the descendants of this process, all but one, which has ended already.

    Repeated until there is none, as they may fork meanwhile; given up after so many seconds, as
    a process in the midst of a system call may not end.
    """
    deadline = time.monotonic() + seconds
    while strays := set(end_descendants(os.getpid())) - {zombie}:
        for one in strays:
            with contextlib.suppress(ChildProcessError):  # another's child, or reaped
                os.waitpid(one, os.WNOHANG)
        if time.monotonic() > deadline:
            return
        time.sleep(_PAUSE_SECONDS)


def end_marked(name: str, value: str) -> None:
    """Kill the processes that were started with this variable in their environment.

    It finds descendants whose every ancestor is gone. Linux only.
    """
    mark = f"{name}={value}".encode()
    for file in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # gone, or another user's
            if mark in file.read_bytes().split(b"\0"):
                os.kill(int(file.parent.name), signal.SIGKILL)
