"""The few system calls that processes of the harness share."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import traceback
from collections.abc import Callable

import psutil

# Asks a round, and it its ranks, where they stand.
ASK = signal.SIGUSR1
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


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
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the kernel was asked
        os._exit(1)


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


def end_group(pid: int) -> None:
    """Kill the process's whole group; nothing where it is gone."""
    # PermissionError is macOS's way to say that only zombies are left in the group.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
