"""Does a job: opens the cell's model, drives its scenario, measures and checks it.

Runs in its own process, forked from the fork server, which has imported torch (worker/server.py).
"""

from __future__ import annotations

import gc
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist

from harness import hardware, scenarios
from harness.domain.rank import ALONE, Rank
from harness.domain.result import Sample, Status
from harness.errors import Unsupported
from harness.hardware import MemoryProbe
from harness.scenarios import Iteration
from harness.session import Session
from harness.session.eager import TorchSession
from harness.session.workload import Workload
from harness.timer import Timer
from harness.worker import allocator
from harness.worker.checks import (
    check_last_output,
    check_outputs,
    outputs_of,
    outputs_of_whole_model,
)
from harness.worker.inspection import iteration_facts
from harness.worker.messages import Effort, Job, Report
from harness.worker.opening import Opened, open_cell, workload_of
from harness.worker.phase import CountedIteration, Phase
from harness.worker.preparation import drawn, prepared
from harness.worker.sampling import has_settled, too_short, wants_more, warmup_length
from harness.worker.slowed import slow_down
from harness.worker.traffic import traffic

if TYPE_CHECKING:
    from harness.model.factory import FactoryModel

Agree = Callable[[bool], bool]


def report_of(job: Job, rank: Rank = ALONE, agree: Agree = bool) -> Report:
    """Does the job on this rank, and returns its report, whatever the outcome.

    `agree` makes all ranks continue or stop together. A single process decides alone.
    """
    try:
        state = allocator.configure(job.allocator)
        if job.prepares:
            return prepared(job) if job.artifact else drawn(job)
        report = _check_parity(job, rank) if job.checks_parity else _measure(job, rank, agree)
        return replace(report, notes={**report.notes, "host_allocator": state})
    except BaseException as error:  # noqa: BLE001 - SystemExit, too, is a result of the round
        return failure(error)


def failure(error: BaseException) -> Report:
    """The report of a round that ended with this exception. Call it in the exception's handler."""
    if isinstance(error, Unsupported):
        return Report(Status.UNSUPPORTED, _message(error))
    status = Status.OUT_OF_MEMORY if _is_out_of_memory(error) else Status.FAILED
    first = next(iter(_message(error).splitlines()), "")
    reason = ": ".join(filter(None, (type(error).__name__, first)))
    return Report(status, reason, traceback.format_exc())


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as fault:  # noqa: BLE001 - whatever an exception's own str() raises
        return f"(its message cannot be read: str() raises {type(fault).__name__})"


def _measure(job: Job, rank: Rank, agree: Agree) -> Report:
    entry = hardware.registry.of(job.cell.hardware)
    device = entry.prepare(rank.world, rank.index)
    memory = entry.memory()
    memory.restart()
    opened = open_cell(job, device)
    with closing(opened.session):
        report = _timed(job, rank, agree, opened, memory)
        # All rounds have the same weights: only the first checks what they compute.
        checks = job.index == 0 and rank.index == 0
        whole = not job.cell.parallelism and not scenarios.registry.of(job.cell.scenario).trains
        outputs = outputs_of(job, opened.session, device) if checks and whole else None
    del opened  # frees its memory for the models that the checks load
    gc.collect()
    if checks:
        outputs = outputs or outputs_of_whole_model(job, device)
        found = check_outputs(job, outputs, device)
        report = replace(
            report,
            facts={**report.facts, **found.facts},
            notes={**report.notes, **found.notes},
            scores=outputs.scores,
        )
    if rank.world > 1:
        dist.barrier()  # a rank that ends early closes its connections to the others
    return report


def _timed(job: Job, rank: Rank, agree: Agree, opened: Opened, memory: MemoryProbe) -> Report:
    """Times the cell's scenario on the open session."""
    cell, session = job.cell, opened.session
    entry, scenario = hardware.registry.of(cell.hardware), scenarios.registry.of(cell.scenario)
    allocator.trim()
    facts = {**opened.facts, "load_memory": memory.peak(), "processes": float(rank.world)}
    memory.restart()
    facts["held_memory"] = memory.now()
    if job.slowed:
        slow_down(session, job.slowed)
    with session.running(trains=scenario.trains):
        timer = entry.timer()
        barrier = dist.barrier if rank.world > 1 else None
        workload = workload_of(job, session)
        iteration = CountedIteration(scenario.prepare(session, workload), barrier)
        with Phase(entry, rank, energy=job.energy) as phase:
            sampled = _sample(iteration, timer, job.effort, agree)
        iterations = iteration.calls
        facts |= {"peak_memory": memory.peak(), **memory.facts()}
        facts["rank_peak_memory"] = facts["peak_memory"]
        facts |= {"page_faults": iteration.page_faults(), **session.facts()}
        # The counts are the same in every round: only the first runs an extra iteration for them.
        if job.index == 0 and (rank.world > 1 or scenario.trains):
            facts |= iteration_facts(
                lambda: iteration(timer),
                session.parameters(),
                sends=rank.world > 1,
                trains=scenario.trains,
            )
        if opened.uncounted is not None:
            facts["flops"] = _counted_flops(job, opened.uncounted, session, timer)
    check_last_output(session.last_output())
    facts |= traffic(cell, scenario, session, opened.weights)
    facts |= phase.facts(tokens=iterations * facts["steps"] * facts["tokens"])
    for name in session.notes():  # the runtime notes why it cannot know these
        facts.pop(name, None)
    notes = {**opened.notes, **phase.notes, **session.notes()}
    facts |= sampled.facts
    return Report(Status.OK, samples=sampled.samples, facts=facts, notes=notes)


def _counted_flops(job: Job, model: FactoryModel, session: Session, timer: Timer) -> float:
    """FLOPs of an extra iteration in eager torch, as other runtimes hide their kernels."""
    from harness.model.factory import counted_flops

    eager = TorchSession(model, model, session.device, session.batch)
    scenario = scenarios.registry.of(job.cell.scenario)
    iteration = scenario.prepare(eager, workload_of(job, eager))
    return float(counted_flops(model, lambda: iteration(timer)))


def _check_parity(job: Job, rank: Rank) -> Report:
    from harness.worker.parity import parity_report

    entry = hardware.registry.of(job.cell.hardware)
    device = entry.prepare(rank.world, rank.index)
    scenario = scenarios.registry.of(job.cell.scenario)

    def opened(one: Job) -> tuple[TorchSession, Workload]:
        session = open_cell(one, device).session
        assert isinstance(session, TorchSession), "only torch's own sessions run split models"
        return session, workload_of(one, session)

    return parity_report(replace(job, quality=False), scenario, rank, opened)


@dataclass(frozen=True)
class _Sampled:
    samples: tuple[Sample, ...]
    facts: Mapping[str, float]


def _sample(iteration: Iteration, timer: Timer, effort: Effort, agree: Agree) -> _Sampled:
    """Repeats the iteration until there are enough samples, and marks those of the warm-up."""
    taken: list[Mapping[str, float]] = []
    main: list[float] = []  # seconds of the iteration's first section, its main one
    gc.collect()
    gc.disable()  # a collection in the timed part would time the harness's own garbage
    begin = time.perf_counter()
    repeats = 1
    while agree(wants_more(main, time.perf_counter() - begin, effort)):
        taken.append(_mean([iteration(timer) for _ in range(repeats)]))
        main.append(next(iter(taken[-1].values())))
        if len(main) == 1:  # the first may compile: that time is no sampling time
            begin = time.perf_counter()
        # The first also pays for lazy initialisation: the second shows an iteration's length.
        while len(main) == 2 and agree(too_short(main[1], repeats, timer.resolution)):
            repeats *= 2
    gc.enable()
    warmup = warmup_length(main)
    samples = tuple(
        Sample(section, seconds, warmup=position < warmup)
        for position, sections in enumerate(taken)
        for section, seconds in sections.items()
    )
    facts = {"warmup": warmup, "settled": has_settled(main), "repeats": repeats}
    return _Sampled(samples, facts)


def _mean(times: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    """The mean seconds of several iterations, by section."""
    return {section: fmean(each[section] for each in times) for section in times[0]}


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    # torch's CPU allocator raises a plain RuntimeError.
    return isinstance(error, RuntimeError) and "can't allocate memory" in _message(error)
