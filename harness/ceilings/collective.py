"""The bandwidth of an all-reduce among processes of this host: gloo, over loopback."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import torch
import torch.distributed as dist

from harness.ceilings.search import Findings, KernelTrial, Reached, Watch, search
from harness.distributed.group import join_group
from harness.domain.rank import Rank
from harness.hardware import Hardware
from harness.process import forked, signal_name
from harness.timer import HostTimer

_MEBIBYTES = (1, 4, 16, 64)


def measure_all_reduce(hardware: Hardware, processes: int, seconds: float) -> Findings:
    """The bus bandwidth that this many processes reach. Raises RuntimeError if one of them dies.

    Call it before this process computes anything: it forks, and threads do not survive a fork.
    """
    with tempfile.TemporaryDirectory(prefix="harness-all-reduce-") as folder:
        ranks = [Rank(index, processes) for index in range(processes)]
        pids = [_fork(hardware, rank, Path(folder), seconds) for rank in ranks]
        _wait_for_all(pids)
        return _read(Path(folder))


def bus_bytes(size: int, processes: int) -> float:
    """The bytes that each process must at least send and receive: 2 (n - 1) / n of the tensor.

    This makes figures comparable across numbers of processes and algorithms (NVIDIA's nccl-tests,
    doc/PERFORMANCE.md).
    """
    return 2 * (processes - 1) / processes * size


class _AgreedTimer(HostTimer):
    """Gives all processes the same durations, so that all take the same decisions."""

    def seconds(self, start: object, end: object) -> float:
        """The longest duration that any process measured."""
        return _maximum(super().seconds(start, end))

    @staticmethod
    def now() -> float:
        """The latest time, in seconds, that any process reads."""
        return _maximum(time.perf_counter())


def _maximum(value: float) -> float:
    """The largest value among the processes."""
    largest = torch.tensor(value, dtype=torch.float64)
    dist.all_reduce(largest, op=dist.ReduceOp.MAX)
    return largest.item()


def _trials(processes: int) -> Iterator[KernelTrial]:
    for size in _MEBIBYTES:
        data = torch.rand(size * 2**20 // 4)
        yield KernelTrial(
            kernel="gloo",
            size=f"{size} MiB",
            work=bus_bytes(size * 2**20, processes),
            prepare=lambda data=data: lambda: dist.all_reduce(data),  # type: ignore[misc]
        )


def _fork(hardware: Hardware, rank: Rank, folder: Path, seconds: float) -> int:
    def work() -> None:
        hardware.prepare(rank.world, rank.index)
        join_group(rank, folder / "rendezvous", "gloo")
        timer = _AgreedTimer()
        findings = search(_trials(rank.world), seconds, Watch(timer, timer.now))
        if rank.index == 0:
            _write(folder, findings)

    return forked(work)


def _wait_for_all(pids: Sequence[int]) -> None:
    """Waits until all processes have ended. Kills the others as soon as one ends badly."""
    left = set(pids)
    verdict = ""
    while left:
        pid, status = os.wait()
        left.discard(pid)
        if status and not verdict:
            died = os.WIFSIGNALED(status)
            end = signal_name(os.WTERMSIG(status)) if died else "an error"
            verdict = f"process {list(pids).index(pid)} of {len(pids)} ended with {end}"
            for other in left:
                with suppress(ProcessLookupError):  # it has ended by itself
                    os.kill(other, signal.SIGKILL)
    if verdict:
        raise RuntimeError(verdict)


def _write(folder: Path, findings: Findings) -> None:
    (folder / "findings.json").write_text(json.dumps(asdict(findings)))


def _read(folder: Path) -> Findings:
    data = json.loads((folder / "findings.json").read_text())
    reached = tuple(Reached(**fields) for fields in data["reached"])
    return Findings(reached, tuple(map(tuple, data["failed"])), data["left_out"])
