"""All-reduce among processes of this host, over loopback by gloo."""

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

from harness.ceilings.search import Findings, Reached, Trial, Watch, search
from harness.distributed.group import join_group
from harness.domain.rank import Rank
from harness.hardware import Hardware
from harness.process import forked, signal_name
from harness.timer import HostTimer

_MEBIBYTES = (1, 4, 16, 64)


def measure_all_reduce(hardware: Hardware, processes: int, seconds: float) -> Findings:
    """The bus bandwidth that so many processes reach; RuntimeError where one of them dies.

    To be called before this process computes anything: it forks, and threads do not survive that.
    """
    with tempfile.TemporaryDirectory(prefix="harness-all-reduce-") as folder:
        ranks = [Rank(index, processes) for index in range(processes)]
        pids = [_fork(hardware, rank, Path(folder), seconds) for rank in ranks]
        _wait_for_all(pids)
        return _read(Path(folder))


def bus_bytes(size: int, processes: int) -> float:
    """What each process must at least send and receive: 2 (n - 1) / n of the tensor.

    So that figures compare across numbers of processes and algorithms: NVIDIA's nccl-tests,
    doc/PERFORMANCE.md.
    """
    return 2 * (processes - 1) / processes * size


class _AgreedTimer(HostTimer):
    """Tells all processes the same durations, the slowest's, so that all decide alike."""

    def seconds(self, start: object, end: object) -> float:
        """The longest any process saw."""
        return _agreed(super().seconds(start, end))

    @staticmethod
    def now() -> float:
        """Seconds, of the process that is furthest on."""
        return _agreed(time.perf_counter())


def _agreed(value: float) -> float:
    longest = torch.tensor(value, dtype=torch.float64)
    dist.all_reduce(longest, op=dist.ReduceOp.MAX)
    return longest.item()


def _trials(processes: int) -> Iterator[Trial]:
    for size in _MEBIBYTES:
        data = torch.rand(size * 2**20 // 4)
        yield Trial(
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
    """Until all have ended; once one ends badly, the others are ended too."""
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
                with suppress(ProcessLookupError):  # it ended by itself meanwhile
                    os.kill(other, signal.SIGKILL)
    if verdict:
        raise RuntimeError(verdict)


def _write(folder: Path, findings: Findings) -> None:
    (folder / "findings.json").write_text(json.dumps(asdict(findings)))


def _read(folder: Path) -> Findings:
    data = json.loads((folder / "findings.json").read_text())
    reached = tuple(Reached(**one) for one in data["reached"])
    return Findings(reached, tuple(map(tuple, data["failed"])), data["left_out"])
