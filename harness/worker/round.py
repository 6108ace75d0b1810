"""The child's side of a round: build the model, transform it, drive it, measure.

Runs in a process of its own, forked from one that has torch loaded (worker/server.py).
"""

from __future__ import annotations

import gc
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist

from harness import backends, hardware, launchers, operators, parallelism, scenarios
from harness.domain.cell import Cell
from harness.domain.precision import PRECISIONS
from harness.domain.rank import ALONE, Rank
from harness.domain.result import Sample, Status
from harness.errors import Unsupported
from harness.host.pages import CAN_DROP, drop_pages
from harness.model.artifact import verify
from harness.model.cost import Weights
from harness.model.measure import executed_flops, model_bytes, parameter_count, weights_of
from harness.model.transformer import Transformer
from harness.scenarios import Iteration, Scenario, Subject
from harness.timer import Timer
from harness.worker import allocator
from harness.worker.checks import answers, check_output, checked
from harness.worker.inspection import inspected
from harness.worker.messages import Effort, Job, Report
from harness.worker.phase import Counted, Phase
from harness.worker.preparation import RANDOM, dense_model, loaded, prepared
from harness.worker.probe import probe
from harness.worker.sampling import settled_from, settles, too_short, wants_more
from harness.worker.traffic import traffic

if TYPE_CHECKING:
    from harness.distributed.split import Split

Agree = Callable[[bool], bool]


def report_of(job: Job, rank: Rank = ALONE, agree: Agree = bool) -> Report:
    """One rank's round, whatever becomes of it.

    `agree` makes all ranks go on, or stop, together. Alone, a process agrees with itself.
    """
    try:
        state = allocator.settle(job.allocator)
        if job.prepares:
            return prepared(job)
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
    report, logits = _timed(job, rank, agree, device)
    if job.index == 0 and rank.index == 0:  # once is enough: every round has the same weights
        gc.collect()  # the model that was measured: others are to be loaded in its place
        load = partial(_whole_model, job, device)
        logits = answers(job, load) if logits is None else logits
        report = replace(report, facts={**report.facts, **checked(job, logits, load, device)})
    if rank.world > 1:
        dist.barrier()  # a rank that ends early takes its connections with it
    return report


def _timed(
    job: Job, rank: Rank, agree: Agree, device: torch.device
) -> tuple[Report, torch.Tensor | None]:
    """The round's report, and the logits of the model, where it is whole and still untrained."""
    cell = job.cell
    entry, scenario = hardware.registry.of(cell.hardware), scenarios.registry.of(cell.scenario)
    memory = entry.memory()
    memory.restart()
    loaded = _load(job, scenario, device)
    allocator.release()
    subject = loaded.subject
    facts = {**loaded.facts, "load_memory": memory.peak(), "processes": float(rank.world)}
    memory.restart()
    facts["held_memory"] = memory.now()
    with _mode(cell, scenario):
        timer = entry.timer()
        meet = dist.barrier if rank.world > 1 else None
        iteration = Counted(scenario.prepare(subject), meet)
        with Phase(entry, rank, energy=job.energy) as phase:
            driven = _drive(iteration, timer, job.effort, agree)
        facts |= {"peak_memory": memory.peak(), **memory.facts()}
        facts["rank_peak_memory"] = facts["peak_memory"]
        if subject.driver is not None:
            facts |= subject.driver.facts()
        measured = iteration.times
        facts["page_faults"] = iteration.page_faults()
        facts |= inspected(
            lambda: iteration(timer),
            _tensors_of(subject),
            sends=rank.world > 1,
            trains=scenario.trains,
        )
    check_output(subject.output.last)
    notes = {**loaded.notes, **phase.notes}
    if subject.driver is not None and subject.driver.split.keeps_aside:
        del facts["rank_activations"]
        notes["rank_activations"] = "not measurable: what is kept selectively, torch does not tell"
    facts |= traffic(cell, scenario, subject, loaded.weights)
    facts |= phase.facts(tokens=measured * facts["steps"] * facts["tokens"])
    whole = subject.driver is None and not scenario.trains
    logits = probe(subject.model, subject.core.shape, job.seed) if whole else None
    report = Report(Status.OK, samples=driven.samples, facts={**facts, **driven.facts}, notes=notes)
    return report, logits


def _tensors_of(subject: Subject) -> list[torch.Tensor]:
    """The parameters that this rank holds."""
    parts = [subject.model] if subject.driver is None else subject.driver.split.parts
    return [one for part in parts for one in part.parameters()]


def _prove(job: Job, rank: Rank) -> Report:
    from harness.worker.parity import proved

    cell = job.cell
    entry = hardware.registry.of(cell.hardware)
    device = entry.prepare(rank.world, rank.index)
    scenario = scenarios.registry.of(cell.scenario)

    def load(one: Job) -> Subject:
        return _load(one, scenario, device).subject

    return proved(replace(job, quality=False), scenario, rank, load)


@dataclass(frozen=True)
class _Loaded:
    subject: Subject
    weights: Weights  # of the whole model
    facts: Mapping[str, float]
    notes: Mapping[str, str]


def _load(job: Job, scenario: Scenario, device: torch.device) -> _Loaded:
    """The model as the cell wants it, and what making it so took."""
    cell = job.cell
    dtype = _dtype(cell)
    watch = _Stopwatch()
    made = _from_file(job, device, watch) if job.artifact else _built(job, device, dtype)
    core, facts = made.core, dict(made.facts)
    model = backends.registry.of(cell.backend).prepare(core)
    with watch.paused():  # told of the whole model, before it is split
        facts["model_bytes"] = model_bytes(core)
        facts |= _counted(cell, scenario, core)
        weights = weights_of(core)
    batch, share, driver = cell.load["batch"], 0, None
    if cell.parallelism:
        from harness.distributed.driver import Driver

        split = split_over_ranks(cell, core, device, trains=scenario.trains)
        batch, share, driver = batch // split.shares, split.share, Driver(split)
    facts["cold_load_time" if _is_cold(job) else "load_time"] = watch.seconds()

    subject = Subject(
        *(model, core, device, dtype, batch, cell.load, job.seed, share, driver),
        cache_bytes=hardware.registry.of(cell.hardware).cache_bytes,
    )
    return _Loaded(subject, weights, facts, made.notes)


def split_over_ranks(cell: Cell, core: Transformer, device: torch.device, *, trains: bool) -> Split:
    """This rank's part of the model, as the cell's strategies and its launcher make it."""
    from harness.distributed.assemble import Whole  # a second, which whole models save

    changes = [one.apply for one in parallelism.strategies(cell.parallelism)]
    timer = hardware.registry.of(cell.hardware).timer()
    whole = Whole(core, parallelism.degrees(cell), changes, device, trains, timer)
    return launchers.launcher_of(cell).assemble(whole)


def _is_cold(job: Job) -> bool:
    """Whether the file is to come from the disk: every other round, where that can be had."""
    return bool(job.artifact) and job.cold and CAN_DROP


@dataclass(frozen=True)
class _Made:
    core: Transformer
    facts: Mapping[str, float]
    notes: Mapping[str, str]


def _from_file(job: Job, device: torch.device, watch: _Stopwatch) -> _Made:
    """The prepared model; what is known of it was told when it was prepared."""
    path = Path(job.artifact)
    with watch.paused():
        verify(path)  # which leaves all its pages in memory
        if _is_cold(job):
            drop_pages(path)
    return _Made(loaded(job.cell, path, device), {}, {})


def _built(job: Job, device: torch.device, dtype: torch.dtype) -> _Made:
    """A dense model with random weights, which nobody keeps on disk."""
    assert not job.cell.compression, "a compressed model is prepared, and loaded from its file"
    core = dense_model(job, device, dtype)
    facts: dict[str, float] = {"parameters": parameter_count(core)}
    return _Made(core, facts, {"bits_per_byte": RANDOM} if job.quality else {})


def _whole_model(job: Job, device: torch.device) -> Transformer:
    """The cell's model before its backend or its strategies change it."""
    if job.artifact:
        return loaded(job.cell, Path(job.artifact), device)
    return dense_model(job, device, _dtype(job.cell))


def _dtype(cell: Cell) -> torch.dtype:
    found: torch.dtype = getattr(torch, PRECISIONS[cell.precision.name].dtype)
    return found


def _counted(cell: Cell, scenario: Scenario, core: Transformer) -> dict[str, float]:
    """What one iteration does, over all ranks, from the model's own arithmetic."""
    operator = operators.registry.of(cell.operator)
    return {
        "flops": executed_flops(core, operator, scenario.work(cell.load)),
        "tokens": cell.load["batch"] * scenario.tokens(cell.load),
        "steps": scenario.steps(cell.load),
    }


def _mode(cell: Cell, scenario: Scenario) -> AbstractContextManager[object]:
    if scenario.trains:
        return nullcontext()
    # In inference mode DTensor works out anew at each call how an operation is split.
    return torch.no_grad() if "tensor" in parallelism.degrees(cell) else torch.inference_mode()


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


class _Stopwatch:
    """Wall time since it was made, less what was paused."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._out = 0.0

    def seconds(self) -> float:
        return time.perf_counter() - self._start - self._out

    def paused(self) -> AbstractContextManager[None]:
        return _Pause(self)

    def leave_out(self, seconds: float) -> None:
        self._out += seconds


class _Pause(AbstractContextManager[None]):
    def __init__(self, watch: _Stopwatch) -> None:
        self._watch = watch

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._watch.leave_out(time.perf_counter() - self._start)
