"""A round of several ranks: processes that form a gloo or NCCL group on this host.

The round's own process only has the launcher start the ranks and waits for them, so that one
rank's death is reported by its number instead of hanging the others.
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

# What is imported late, and by the fork server; a rank that it did not fork pays before it starts.
_LAZY = ("harness.distributed.assemble", "harness.worker.parity", "torch._dynamo")
_ANSWER_SECONDS = 0.5
_ECHO_SECONDS = 2.0
_LOOK_SECONDS = 0.05  # between two looks at who has ended
_LOST = re.compile(
    r"[Cc]onnection (closed|reset|refused)|Socket closed|Broken pipe|HorovodInternalError"
    r"|remote process exited"  # as NCCL says it
)
_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+) in (?P<function>\S+)')
# In these a rank waits for others: collectives, the backward pass that exchanges gradients, and a
# GPU that does either.
_WAITING = ("/torch/distributed/", "/torch/autograd/", "/torch/cuda/", "/horovod/")


def report_of_ranks(job: Job, world: int) -> Report:
    """Have the ranks started and join what they report."""
    start = time.monotonic()
    signal.signal(ASK, _told_time_is_up)
    launcher = launcher_of(job.cell)
    with tempfile.TemporaryDirectory(prefix="harness-ranks-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        main = partial(_run_rank, job, world, folder, start)
        try:
            launcher.preload()  # here, so that a failed import names the launcher, not a rank
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
    """The line that tells most: of an error that came from Java, what it was there."""
    lines = message.splitlines() or [""]
    causes = [line.strip() for line in lines if line.strip().startswith("Caused by: ")]
    java = [line for line in lines if line.startswith(": ")]
    return [*lines[:1], *java[:1], *causes[-1:]][-1].removeprefix(": ").removeprefix("Caused by: ")


def _report_of(handles: RankHandles, world: int, folder: Path) -> Report:
    try:
        return join(_collect(handles, world, folder))
    except _TimeIsUp:
        return Report(Status.TIMED_OUT, where_they_stand(_stacks(handles, world, folder)))


def join(reports: Sequence[Report]) -> Report:
    """One report of all ranks' reports, rank 0's first.

    A rank that did not end well speaks for all, by its number. Else each sample lasts as long
    as on the slowest rank, as the step is not over before; facts are reduced as declared.
    """
    for index, report in enumerate(reports):
        if report.status is not Status.OK:
            return Report(report.status, f"rank {index}: {report.reason}", report.detail)
    first = reports[0]
    samples = tuple(_slowest(same) for same in zip(*(r.samples for r in reports), strict=True))
    facts = {**reduced([dict(report.facts) for report in reports]), **_waiting(reports)}
    return Report(Status.OK, samples=samples, facts=facts, notes=first.notes)


def _slowest(same: Sequence[Sample]) -> Sample:
    return max(same, key=lambda sample: sample.seconds)


def _waiting(reports: Sequence[Report]) -> Mapping[str, float]:
    """`load_imbalance`: the share of the time that ranks, on average, wait for the slowest."""
    shares = [
        1 - fmean(one.seconds for one in same) / _slowest(same).seconds
        for same in zip(*(report.samples for report in reports), strict=True)
        if not same[0].warmup and _slowest(same).seconds > 0
    ]
    return {"load_imbalance": fmean(shares)} if shares else {}


def _run_rank(job: Job, world: int, folder: Path, start: float, index: int) -> None:
    """Runs in each rank's own process, and leaves the rank's report in the folder."""
    signal.signal(ASK, signal.SIG_IGN)  # until there is someone to answer
    stack = _stack_file(folder, index).open("wb")
    faulthandler.register(ASK, stack, all_threads=False)
    report = _rank_report(job, Rank(index, world), folder / "rendezvous", start)
    _report_file(folder, index).write_bytes(report.encode())


class _TimeIsUp(BaseException):
    """The round took longer than it may. A BaseException, so that no launcher swallows it."""


def _told_time_is_up(*_: object) -> None:
    raise _TimeIsUp


def _stack_file(folder: Path, index: int) -> Path:
    return folder / f"rank-{index}.stack"


def _stacks(handles: RankHandles, world: int, folder: Path) -> list[str | None]:
    """Where each rank stands, as Python's fault handler tells; then they are ended."""
    signal.signal(ASK, signal.SIG_IGN)
    _send(ASK, handles, range(world))
    time.sleep(_ANSWER_SECONDS)
    _send(signal.SIGKILL, handles, range(world))
    there = handles.pids()
    files = [_stack_file(folder, index) if index in there else None for index in range(world)]
    return [None if one is None else one.read_text(errors="replace") for one in files]


def where_they_stand(stacks: Sequence[str | None]) -> str:
    """Which rank the others wait for, of stacks as the fault handler writes them, latest first.

    None is the stack of a rank that has not started.
    """
    late = [f"rank {index} has not started" for index, one in enumerate(stacks) if one is None]
    if late:
        return ", ".join(late)
    places = [_FRAME.search(stack or "") for stack in stacks]
    waits = [bool(place and any(part in place["file"] for part in _WAITING)) for place in places]
    told = [
        f"rank {index} stands in {place['file']}:{place['line']} ({place['function']})"
        for index, place in enumerate(places)
        if place and not waits[index]
    ]
    silent = [f"rank {index} does not answer" for index, place in enumerate(places) if not place]
    return ", ".join(told + silent) or "all ranks wait for each other"


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
        device = entry.prepare(rank.world, rank.index)  # NCCL takes the one that is current
        join_group(rank, rendezvous, entry.groups)
        agree = _agreement()
        agree(True)  # all are there
        entry.connect(device)  # as part of the launch
    except Exception as error:  # noqa: BLE001 - that ranks do not meet is a result
        return failure(error)
    launched = {"launch_time": time.monotonic() - start}  # one clock for all processes of a host
    report = report_of(job, rank, agree)
    return replace(report, facts={**launched, **report.facts})


def _agreement() -> Agree:
    """All go on while any wants to: everyone takes part in the same collectives."""
    import torch
    import torch.distributed as dist

    def agree(more: bool) -> bool:
        wish = torch.tensor(int(more))
        dist.all_reduce(wish, op=dist.ReduceOp.MAX)
        return bool(wish.item())

    return agree


def _collect(handles: RankHandles, world: int, folder: Path) -> list[Report]:
    """The ranks' reports, in order; once one ends badly, the others are ended too."""
    reports: dict[int, Report] = {}
    while len(reports) < world:
        time.sleep(_LOOK_SECONDS)
        new = _ended(handles, set(range(world)) - reports.keys(), folder)
        reports |= new
        if any(_is_bad(one) for one in new.values()):
            culprit = _culprit(handles, reports, world, folder)
            _send(signal.SIGKILL, handles, set(range(world)) - reports.keys())
            # Those ended for its sake have nothing of their own to tell.
            reports = {**dict.fromkeys(range(world), Report(Status.OK)), culprit: reports[culprit]}
    return [reports[index] for index in range(world)]


def _culprit(handles: RankHandles, reports: dict[int, Report], world: int, folder: Path) -> int:
    """The rank that ended badly by itself: others may only have lost their connection to it."""
    deadline = time.monotonic() + _ECHO_SECONDS
    while True:
        bad = [index for index, one in sorted(reports.items()) if _is_bad(one)]
        first = [index for index in bad if not is_echo(reports[index])]
        if first or time.monotonic() > deadline:
            return (first or bad)[0]
        time.sleep(_LOOK_SECONDS)
        reports |= _ended(handles, set(range(world)) - reports.keys(), folder)


def _ended(handles: RankHandles, ranks: Iterable[int], folder: Path) -> dict[int, Report]:
    """The reports of those of the ranks that have ended by now."""
    ends = {index: handles.ended(index) for index in ranks}
    return {
        index: _final_report(_report_file(folder, index), wait_status)
        for index, wait_status in ends.items()
        if wait_status is not None
    }


def _is_bad(report: Report) -> bool:
    return report.status is not Status.OK


def is_echo(report: Report) -> bool:
    """Whether what ended a rank was another's end."""
    return bool(_LOST.search(report.reason))


def _send(number: int, handles: RankHandles, ranks: Iterable[int]) -> None:
    pids = handles.pids()
    for index in ranks:
        with suppress(KeyError, ProcessLookupError):  # not there yet, or no more
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
