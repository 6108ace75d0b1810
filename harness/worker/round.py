"""The child's side of a round: build the model, transform it, drive it, measure.

Runs in a process of its own, forked from one that has torch loaded (worker/server.py).
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
from harness.worker.checks import answered, answered_anew, check_output, checked
from harness.worker.inspection import inspected
from harness.worker.messages import Effort, Job, Report
from harness.worker.opening import Opened, open_cell, workload_of
from harness.worker.phase import Counted, Phase
from harness.worker.preparation import drawn, prepared
from harness.worker.sampling import settled_from, settles, too_short, wants_more
from harness.worker.traffic import traffic

if TYPE_CHECKING:
    from harness.model.factory import FactoryModel

Agree = Callable[[bool], bool]


def report_of(job: Job, rank: Rank = ALONE, agree: Agree = bool) -> Report:
    """One rank's round, whatever becomes of it.

    `agree` makes all ranks go on, or stop, together. Alone, a process agrees with itself.
    """
    try:
        state = allocator.settle(job.allocator)
        if job.prepares:
            return prepared(job) if job.artifact else drawn(job)
        report = _prove(job, rank) if job.proves else _measure(job, rank, agree)
        return replace(report, notes={**report.notes, "host_allocator": state})
    except BaseException as error:  # noqa: BLE001 - SystemExit, too, is a result of the round
        return failure(error)


def failure(error: BaseException) -> Report:
    """What an exception made of the round. To be called where it is handled."""
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
        # Once is enough: every round has the same weights.
        asked = job.index == 0 and rank.index == 0
        whole = not job.cell.parallelism and not scenarios.registry.of(job.cell.scenario).trains
        answers = answered(job, opened.session, device) if asked and whole else None
    del opened  # other models are to be loaded in its place
    gc.collect()
    if asked:
        answers = answers or answered_anew(job, device)
        found = checked(job, answers, device)
        report = replace(
            report,
            facts={**report.facts, **found.facts},
            notes={**report.notes, **found.notes},
            scores=answers.scores,
        )
    if rank.world > 1:
        dist.barrier()  # a rank that ends early takes its connections with it
    return report


def _timed(job: Job, rank: Rank, agree: Agree, opened: Opened, memory: MemoryProbe) -> Report:
    """What the open session does, timed."""
    cell, session = job.cell, opened.session
    entry, scenario = hardware.registry.of(cell.hardware), scenarios.registry.of(cell.scenario)
    allocator.release()
    facts = {**opened.facts, "load_memory": memory.peak(), "processes": float(rank.world)}
    memory.restart()
    facts["held_memory"] = memory.now()
    with session.running(trains=scenario.trains):
        timer = entry.timer()
        meet = dist.barrier if rank.world > 1 else None
        iteration = Counted(scenario.prepare(session, workload_of(job, session)), meet)
        with Phase(entry, rank, energy=job.energy) as phase:
            driven = _drive(iteration, timer, job.effort, agree)
        measured = iteration.times
        facts |= {"peak_memory": memory.peak(), **memory.facts()}
        facts["rank_peak_memory"] = facts["peak_memory"]
        facts |= {"page_faults": iteration.page_faults(), **session.facts()}
        # One more iteration, in the first round alone: it sends and keeps the same in every one.
        if job.index == 0 and (rank.world > 1 or scenario.trains):
            facts |= inspected(
                lambda: iteration(timer),
                session.parameters(),
                sends=rank.world > 1,
                trains=scenario.trains,
            )
        if opened.uncounted is not None:
            facts["flops"] = _counted_flops(job, opened.uncounted, session, timer)
    check_output(session.last_output())
    facts |= traffic(cell, scenario, session, opened.weights)
    facts |= phase.facts(tokens=measured * facts["steps"] * facts["tokens"])
    for name in session.notes():  # inspected all the same, and not to be believed
        facts.pop(name, None)
    notes = {**opened.notes, **phase.notes, **session.notes()}
    return Report(Status.OK, samples=driven.samples, facts={**facts, **driven.facts}, notes=notes)


def _counted_flops(job: Job, model: FactoryModel, session: Session, timer: Timer) -> float:
    """FLOPs of one more iteration, by eager torch: other runtimes hide their kernels."""
    from harness.model.factory import counted_flops

    eager = TorchSession(model, model, session.device, session.batch)
    scenario = scenarios.registry.of(job.cell.scenario)
    iteration = scenario.prepare(eager, workload_of(job, eager))
    return float(counted_flops(model, lambda: iteration(timer)))


def _prove(job: Job, rank: Rank) -> Report:
    from harness.worker.parity import proved

    entry = hardware.registry.of(job.cell.hardware)
    device = entry.prepare(rank.world, rank.index)
    scenario = scenarios.registry.of(job.cell.scenario)

    def opened(one: Job) -> tuple[TorchSession, Workload]:
        session = open_cell(one, device).session
        assert isinstance(session, TorchSession), "only torch's own sessions run split models"
        return session, workload_of(one, session)

    return proved(replace(job, quality=False), scenario, rank, opened)


@dataclass(frozen=True)
class _Driven:
    samples: tuple[Sample, ...]
    facts: Mapping[str, float]


def _drive(iteration: Iteration, timer: Timer, effort: Effort, agree: Agree) -> _Driven:
    """Repeat the iteration until there are samples enough; mark the warm-up ones."""
    taken: list[Mapping[str, float]] = []
    main: list[float] = []  # of the first section an iteration names, which is its main one
    gc.collect()
    gc.disable()  # a collection inside the clock would time the harness's own garbage
    begin = time.perf_counter()
    repeats = 1
    while agree(wants_more(main, time.perf_counter() - begin, effort)):
        taken.append(_mean([iteration(timer) for _ in range(repeats)]))
        main.append(next(iter(taken[-1].values())))
        if len(main) == 1:  # which may compile: that is no time spent on sampling
            begin = time.perf_counter()
        # After the first, which pays for lazy initialisation, the second tells how long one takes.
        while len(main) == 2 and agree(too_short(main[1], repeats, timer.resolution)):
            repeats *= 2
    gc.enable()
    settled = settled_from(main)
    samples = tuple(
        Sample(section, seconds, warmup=position < settled)
        for position, sections in enumerate(taken)
        for section, seconds in sections.items()
    )
    facts = {"warmup": settled, "settled": settles(main), "repeats": repeats}
    return _Driven(samples, facts)


def _mean(times: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    """Of several iterations, by section."""
    return {section: fmean(one[section] for one in times) for section in times[0]}


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    # torch's CPU allocator raises a plain RuntimeError.
    return isinstance(error, RuntimeError) and "can't allocate memory" in _message(error)
