"""Runs a round of several ranks: processes that form a gloo or NCCL group on this host.

The round's own process only has the launcher start the ranks, and waits for them. So it can report
the number of a rank that dies, instead of hanging with the others.
"""

from __future__ import annotations

import faulthandler
import os
import re
import signal
import tempfile
import time
import traceback
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from harness import hardware
from harness.distributed.group import join_group
from harness.domain.facts import reduced
from harness.domain.rank import Rank
from harness.domain.result import Sample, Status
from harness.errors import HarnessError, UnreadableReport
from harness.launchers import RankHandles, launcher_of
from harness.parallelism import strategies
from harness.process import ASK, signal_name
from harness.worker.messages import Job, Report

if TYPE_CHECKING:
    from harness.worker.round import Agree

# The fork server has imported these; a rank that it did not fork imports them before it starts.
_LAZY = ("harness.distributed.assemble", "harness.worker.parity", "torch._dynamo")
_ANSWER_SECONDS = 0.5  # for the ranks to write their stack traces
_ECHO_SECONDS = 2.0  # for the rank that broke the connections to end
_POLL_SECONDS = 0.05  # between two checks for ended ranks
_LOST_CONNECTION = re.compile(
    r"[Cc]onnection (closed|reset|refused)|Socket closed|Broken pipe|HorovodInternalError"
    r"|remote process exited"  # NCCL's wording
)
_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+) in (?P<function>\S+)')
# A rank in one of these is waiting for others: in a collective, in a backward pass that exchanges
# gradients, or for a GPU that does either.
_WAITING = ("/torch/distributed/", "/torch/autograd/", "/torch/cuda/", "/horovod/")


def report_of_ranks(job: Job, world: int) -> Report:
    """Has the launcher start the ranks, and joins their reports."""
    start = time.monotonic()
    signal.signal(ASK, _raise_time_is_up)
    launcher = launcher_of(job.cell)
    with tempfile.TemporaryDirectory(prefix="harness-ranks-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        main = partial(_run_rank, job, world, folder, start)
        try:
            launcher.preload()  # before the start: a failed import is not blamed on a rank
            with launcher.started(world, main, folder) as handles:
                report = _report_of(handles, world, folder)
                signal.signal(ASK, signal.SIG_IGN)  # the report is complete
            return replace(report, notes={**report.notes, "host_launcher": launcher.version()})
        except _TimeIsUp:
            return Report(Status.TIMED_OUT, f"{launcher.name} has not started its ranks")
        except Exception as error:  # noqa: BLE001 - a launcher's failure is a result
            kind = "" if isinstance(error, HarnessError) else f"{type(error).__name__}: "
            reason = f"{launcher.name}: {kind}{cause(str(error))}"
            return Report(Status.FAILED, reason, traceback.format_exc())


def cause(message: str) -> str:
    """The first line of an error message; for an error from Java, its root cause."""
    lines = message.splitlines() or [""]
    causes = [line.strip() for line in lines if line.strip().startswith("Caused by: ")]
    java = [line for line in lines if line.startswith(": ")]
    return [*lines[:1], *java[:1], *causes[-1:]][-1].removeprefix(": ").removeprefix("Caused by: ")


def _report_of(handles: RankHandles, world: int, folder: Path) -> Report:
    try:
        return join(_collect(handles, world, folder))
    except _TimeIsUp:
        return Report(Status.TIMED_OUT, where_ranks_stand(_stacks(handles, world, folder)))


def join(reports: Sequence[Report]) -> Report:
    """Joins the ranks' reports, in the order of ranks, into one.

    If a rank failed, the joined report has its status, and its number in the reason. Otherwise
    each sample is the slowest rank's, because a step ends when all ranks have finished it, and each
    fact is reduced as harness.domain.facts declares.
    """
    for index, report in enumerate(reports):
        if report.status is not Status.OK:
            return Report(report.status, f"rank {index}: {report.reason}", report.detail)
    first = reports[0]
    samples = tuple(_slowest(same) for same in zip(*(r.samples for r in reports), strict=True))
    facts = {**reduced([dict(report.facts) for report in reports]), **_load_imbalance(reports)}
    return Report(Status.OK, samples=samples, facts=facts, notes=first.notes)


def _slowest(same: Sequence[Sample]) -> Sample:
    return max(same, key=lambda sample: sample.seconds)


def _load_imbalance(reports: Sequence[Report]) -> Mapping[str, float]:
    """`load_imbalance`: the average share of the time that ranks wait for the slowest."""
    shares = [
        1 - fmean(one.seconds for one in same) / _slowest(same).seconds
        for same in zip(*(report.samples for report in reports), strict=True)
        if not same[0].warmup and _slowest(same).seconds > 0
    ]
    return {"load_imbalance": fmean(shares)} if shares else {}


def _run_rank(job: Job, world: int, folder: Path, start: float, index: int) -> None:
    """Runs in each rank's own process, and writes the rank's report to the folder."""
    signal.signal(ASK, signal.SIG_IGN)  # until the handler below is in place
    stack = _stack_file(folder, index).open("wb")
    faulthandler.register(ASK, stack, all_threads=False)
    report = _rank_report(job, Rank(index, world), folder / "rendezvous", start)
    _report_file(folder, index).write_bytes(report.encode())


class _TimeIsUp(BaseException):
    """The round has reached its time-out. A BaseException, so that no launcher swallows it."""


def _raise_time_is_up(*_: object) -> None:
    raise _TimeIsUp


def _stack_file(folder: Path, index: int) -> Path:
    return folder / f"rank-{index}.stack"


def _stacks(handles: RankHandles, world: int, folder: Path) -> list[str | None]:
    """Each rank's stack from Python's fault handler; None if it has not started. Kills them all."""
    signal.signal(ASK, signal.SIG_IGN)
    _send(ASK, handles, range(world))
    time.sleep(_ANSWER_SECONDS)
    _send(signal.SIGKILL, handles, range(world))
    started = handles.pids()
    files = [_stack_file(folder, index) if index in started else None for index in range(world)]
    return [None if file is None else file.read_text(errors="replace") for file in files]


def where_ranks_stand(stacks: Sequence[str | None]) -> str:
    """Names the ranks that the others wait for, and where each of them is.

    `stacks` are the fault handler's, innermost frame first; None for a rank that has not started.
    """
    late = [f"rank {index} has not started" for index, stack in enumerate(stacks) if stack is None]
    if late:
        return ", ".join(late)
    frames = [_FRAME.search(stack or "") for stack in stacks]
    waits = [bool(frame and any(part in frame["file"] for part in _WAITING)) for frame in frames]
    busy = [
        f"rank {index} is at {frame['file']}:{frame['line']} ({frame['function']})"
        for index, frame in enumerate(frames)
        if frame and not waits[index]
    ]
    silent = [f"rank {index} does not answer" for index, frame in enumerate(frames) if not frame]
    return ", ".join(busy + silent) or "all ranks wait for each other"


def _report_file(folder: Path, index: int) -> Path:
    return folder / f"rank-{index}.json"


def _rank_report(job: Job, rank: Rank, rendezvous: Path, start: float) -> Report:
    for module in _LAZY:
        import_module(module)
    from harness.worker.round import failure, report_of

    try:
        for strategy in strategies(job.cell.parallelism):
            strategy.preload()
        launcher_of(job.cell).enter()
        entry = hardware.registry.of(job.cell.hardware)
        device = entry.prepare(rank.world, rank.index)  # NCCL uses the current device
        join_group(rank, rendezvous, entry.groups)
        agree = _agreement()
        agree(True)  # waits until all ranks have joined
        entry.connect(device)  # counts as part of the launch
    except Exception as error:  # noqa: BLE001 - ranks that do not meet are a result
        return failure(error)
    launched = {"launch_time": time.monotonic() - start}  # all processes of a host share this timer
    report = report_of(job, rank, agree)
    return replace(report, facts={**launched, **report.facts})


def _agreement() -> Agree:
    """A vote: all ranks continue while any wants to, so that all call the same collectives."""
    import torch
    import torch.distributed as dist

    def agree(more: bool) -> bool:
        wish = torch.tensor(int(more))
        dist.all_reduce(wish, op=dist.ReduceOp.MAX)
        return bool(wish.item())

    return agree


def _collect(handles: RankHandles, world: int, folder: Path) -> list[Report]:
    """The ranks' reports, in the order of ranks. Once one has failed, the others are killed."""
    reports: dict[int, Report] = {}
    while len(reports) < world:
        time.sleep(_POLL_SECONDS)
        new = _ended_reports(handles, set(range(world)) - reports.keys(), folder)
        reports |= new
        if any(_has_failed(report) for report in new.values()):
            culprit = _culprit(handles, reports, world, folder)
            _send(signal.SIGKILL, handles, set(range(world)) - reports.keys())
            # The other ranks may have failed because of the culprit: their reports are dropped.
            reports = {**dict.fromkeys(range(world), Report(Status.OK)), culprit: reports[culprit]}
    return [reports[index] for index in range(world)]


def _culprit(handles: RankHandles, reports: dict[int, Report], world: int, folder: Path) -> int:
    """The rank that failed by itself. Others may have failed only because they lost it."""
    deadline = time.monotonic() + _ECHO_SECONDS
    while True:
        failed = [index for index, report in sorted(reports.items()) if _has_failed(report)]
        culprits = [index for index in failed if not is_echo(reports[index])]
        if culprits or time.monotonic() > deadline:
            return (culprits or failed)[0]
        time.sleep(_POLL_SECONDS)
        reports |= _ended_reports(handles, set(range(world)) - reports.keys(), folder)


def _ended_reports(handles: RankHandles, ranks: Iterable[int], folder: Path) -> dict[int, Report]:
    """The reports of the ranks that have ended by now."""
    ends = {index: handles.ended(index) for index in ranks}
    return {
        index: _final_report(_report_file(folder, index), wait_status)
        for index, wait_status in ends.items()
        if wait_status is not None
    }


def _has_failed(report: Report) -> bool:
    return report.status is not Status.OK


def is_echo(report: Report) -> bool:
    """True if the rank failed because another rank had ended."""
    return bool(_LOST_CONNECTION.search(report.reason))


def _send(number: int, handles: RankHandles, ranks: Iterable[int]) -> None:
    pids = handles.pids()
    for index in ranks:
        with suppress(KeyError, ProcessLookupError):  # not started yet, or ended already
            os.kill(pids[index], number)


def _final_report(file: Path, wait_status: int) -> Report:
    if os.WIFSIGNALED(wait_status):
        return Report(Status.CRASHED, f"died by {signal_name(os.WTERMSIG(wait_status))}")
    if not file.exists():
        return Report(Status.FAILED, "ended without a report")
    try:
        return Report.decode(file.read_bytes())
    except UnreadableReport as error:
        return Report(Status.FAILED, str(error))
