"""System calls that the harness's processes share."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil

# Asks a round, and through it its ranks, for their stack traces.
ASK = signal.SIGUSR1
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
_PAUSE_SECONDS = 0.002


def identity(pid: int | None = None) -> tuple[int, float]:
    """The process's pid and start time; by default this process's.

    A later process may reuse the pid, but not with the same start time. Raises
    psutil.NoSuchProcess if there is no such process.
    """
    process = psutil.Process(pid)
    return process.pid, process.create_time()


def is_alive(pid: int, started: float) -> bool:
    """True if the same process still runs; a later process may have the same pid."""
    try:
        return abs(identity(pid)[1] - started) < 1.0
    except psutil.NoSuchProcess:
        return False


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, for whatever reason.

    Linux only; elsewhere an orphaned process ends at its next message.
    """
    when_parent_ends(signal.SIGKILL)
    if os.getppid() != parent:  # the parent ended before the request took effect
        os._exit(1)


def when_parent_ends(number: signal.Signals) -> None:
    """Have the kernel send this process a signal when its parent ends. Linux only."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, number)


def adopt_orphans() -> None:
    """Make this process adopt orphaned descendants, so that no daemon escapes. Linux only.

    See PR_SET_CHILD_SUBREAPER in prctl(2).
    """
    if _libc is not None:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def forked(work: Callable[[], None]) -> int:
    """Fork a process that only does the work; return its pid.

    The child dies with this process. It ends without clean-up, because none of the caller's
    clean-up may run twice. An exception is printed and ends it with exit code 1.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        die_with_parent(parent)
        work()
    except BaseException:  # noqa: BLE001 - the caller's frames may not run in the forked process
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def child_environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment, or the given one, plus what a measuring child needs."""
    return {
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",  # a spec's `index` is the driver's, not sorted by speed
        **(os.environ if variables is None else variables),
        "OPENBLAS_NUM_THREADS": "1",  # NumPy would start threads at import, so forks are unsafe
    }


def signal_name(number: int) -> str:
    """The signal's name: SIGSEGV for 11."""
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have no names
        return f"signal {number}"


def family(pid: int) -> Iterator[int]:
    """The process and all its living descendants, read from Linux's /proc."""
    yield pid
    for child in _children(pid):
        yield from family(child)


def _children(pid: int) -> list[int]:
    """The children of all its threads: a JVM starts none from its first thread."""
    found: list[str] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # the process has ended
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found += (thread / "children").read_text().split()
    return [int(child) for child in found]


def end_group(pid: int) -> None:
    """Kill the process's whole group; do nothing if it is gone."""
    # macOS raises PermissionError if only zombies are left in the group.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def end_descendants(ancestor: int) -> list[int]:
    """Kill every descendant of the process; return their pids."""
    found = [pid for pid in family(ancestor) if pid != ancestor]
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return found


def end_and_reap_descendants(zombie: int, seconds: float) -> None:
    """Kill and reap this process's descendants, except `zombie`, which has ended already.

    It repeats until none is left, because they may fork meanwhile, and gives up after that many
    seconds, because a process inside a system call may not end.
    """
    deadline = time.monotonic() + seconds
    while strays := set(end_descendants(os.getpid())) - {zombie}:
        for pid in strays:
            with contextlib.suppress(ChildProcessError):  # not this process's child, or reaped
                os.waitpid(pid, os.WNOHANG)
        if time.monotonic() > deadline:
            return
        time.sleep(_PAUSE_SECONDS)


def end_marked(name: str, value: str) -> None:
    """Kill the processes that were started with this variable in their environment.

    This finds even descendants whose ancestors are all gone. Linux only.
    """
    mark = f"{name}={value}".encode()
    for file in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # the process is gone, or belongs to another user
            if mark in file.read_bytes().split(b"\0"):
                os.kill(int(file.parent.name), signal.SIGKILL)
