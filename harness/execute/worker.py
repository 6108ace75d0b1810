"""The child's side of a round: build the model, transform it, drive it, measure.

Runs in a process of its own, forked from one that has torch loaded (execute/server.py).
"""

from __future__ import annotations

import gc
import math
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from statistics import fmean

import torch

from harness import backends, compression, hardware, operators, parallelism, scenarios
from harness.domain.cell import Cell
from harness.domain.precision import PRECISIONS
from harness.domain.result import Sample, Status
from harness.errors import HarnessError, Unsupported
from harness.execute.clock import clock_of
from harness.execute.messages import Effort, Job, Report
from harness.execute.peak import PeakMemory
from harness.execute.phase import Counted, Phase
from harness.execute.sampling import settled_from, settles, too_short, wants_more
from harness.execute.traffic import traffic
from harness.model import cost
from harness.model.architectures import shape_of
from harness.model.measure import model_bytes, parameter_count
from harness.model.shape import Shape
from harness.model.transformer import Transformer, build
from harness.model.weights import load_gpt2_layout
from harness.parallelism import ALONE, Rank
from harness.scenarios import Clock, Iteration, Scenario, Subject

# Tokens on which a transformed model's logits are compared with the dense one's.
_PROBE_TOKENS = 64

Agree = Callable[[bool], bool]


def report_of(job: Job, rank: Rank = ALONE, agree: Agree = bool) -> Report:
    """One rank's round, whatever becomes of it.

    `agree` makes all ranks go on, or stop, together; it also is the barrier before each
    iteration. Alone, a process agrees with itself.
    """
    try:
        return _measure(job, rank, agree)
    except Unsupported as refusal:
        return Report(Status.UNSUPPORTED, str(refusal))
    except Exception as error:  # noqa: BLE001 - a failure is a result, told with its traceback
        status = Status.OUT_OF_MEMORY if _is_out_of_memory(error) else Status.FAILED
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        return Report(status, reason, traceback.format_exc())


def _measure(job: Job, rank: Rank, agree: Agree) -> Report:
    cell = job.cell
    device = hardware.registry[cell.hardware.name].of(cell.hardware).prepare(rank.world)
    scenario = scenarios.registry[cell.scenario.name].of(cell.scenario)
    peak = PeakMemory(device)
    peak.restart()
    loaded = _load(job, scenario, device, rank)
    facts = {**loaded.facts, **_counted(cell, scenario), "load_memory": peak.bytes()}
    peak.restart()
    facts["held_memory"] = peak.now()
    with _mode(scenario):
        iteration = Counted(scenario.prepare(loaded.subject))
        with Phase(device, energy=job.energy, speaks=rank.index == 0) as phase:
            driven = _drive(iteration, clock_of(device), job.effort, agree)
    facts |= {"peak_memory": peak.bytes(), **peak.on_gpu()}
    facts |= traffic(cell, scenario, loaded.subject)
    facts |= phase.facts(tokens=iteration.times * facts["steps"] * facts["tokens"])
    return Report(
        Status.OK, samples=driven.samples, facts={**facts, **driven.facts}, notes=phase.notes
    )


@dataclass(frozen=True)
class _Loaded:
    subject: Subject
    facts: Mapping[str, float]


def _load(job: Job, scenario: Scenario, device: torch.device, rank: Rank) -> _Loaded:
    """The model as the cell wants it, and what making it so took."""
    cell = job.cell
    shape = shape_of(cell.model)
    dtype: torch.dtype = getattr(torch, PRECISIONS[cell.precision.name].dtype)
    compares = job.quality and rank.index == 0 and (cell.compression or dtype != torch.float32)
    watch = _Stopwatch()

    core = _dense(cell, shape, job, device, torch.float32 if compares else dtype)
    facts: dict[str, float] = {"parameters": parameter_count(core)}
    with watch.paused():
        expected = _probe(core, job.seed) if compares else None
    core.to(dtype)
    for choice in cell.compression:
        core = compression.registry[choice.name].of(choice).apply(core)
    model = backends.registry[cell.backend.name].of(cell.backend).prepare(core)
    with watch.paused():
        facts["model_bytes"] = model_bytes(core)
        if expected is not None:
            facts["logit_error"] = _distance(_probe(core, job.seed), expected)
    batch = cell.load["batch"]
    for choice in cell.parallelism:
        strategy = parallelism.registry[choice.name].of(choice)
        batch = strategy.shard(batch)
        model = strategy.wrap(model, device, rank, scenario.trains)
    facts["load_time"] = watch.seconds()

    seed = job.seed + rank.index  # ranks work on different sequences
    return _Loaded(Subject(model, core, device, dtype, batch, cell.load, seed), facts)


def _dense(
    cell: Cell, shape: Shape, job: Job, device: torch.device, dtype: torch.dtype
) -> Transformer:
    operator = operators.registry[cell.operator.name].of(cell.operator)
    core = build(
        shape,
        operator.mixer,
        device=device,
        dtype=dtype,
        seed=job.seed,
        unmasked=operator.unmasked,
    )
    if shape.weights:
        load_gpt2_layout(core, job.weights[shape.weights])
    return core


def _counted(cell: Cell, scenario: Scenario) -> dict[str, float]:
    """What one iteration does, over all ranks, from the model's own arithmetic."""
    shape = shape_of(cell.model)
    operator = operators.registry[cell.operator.name].of(cell.operator)
    return {
        "flops": cost.flops(shape, operator, scenario.work(cell.load)),
        "tokens": cell.load["batch"] * scenario.tokens(cell.load),
        "steps": scenario.steps(cell.load),
    }


def _probe(model: torch.nn.Module, seed: int) -> torch.Tensor:
    """Logits [1, T, V] in fp32 on fixed random tokens."""
    shape = model.shape
    assert isinstance(shape, Shape)
    generator = torch.Generator().manual_seed(seed)
    length = min(_PROBE_TOKENS, shape.context)
    tokens = torch.randint(shape.vocab, (1, length), generator=generator)
    with torch.inference_mode():
        logits: torch.Tensor = model(tokens.to(next(model.parameters()).device))
    return logits.float()


def _distance(logits: torch.Tensor, expected: torch.Tensor) -> float:
    """Of the logits, in parts of the expected ones' norm; an error where there is none.

    A model whose output is no number has no speed worth showing.
    """
    distance = float((logits - expected).norm() / expected.norm())
    if not math.isfinite(distance):
        raise HarnessError("the model's logits are not finite numbers")
    return distance


def _mode(scenario: Scenario) -> AbstractContextManager[object]:
    return nullcontext() if scenario.trains else torch.inference_mode()


@dataclass(frozen=True)
class _Driven:
    samples: tuple[Sample, ...]
    facts: Mapping[str, float]


def _drive(iteration: Iteration, clock: Clock, effort: Effort, agree: Agree) -> _Driven:
    """Repeat the iteration until there are samples enough; mark the warm-up ones."""
    taken: list[Mapping[str, float]] = []
    main: list[float] = []  # of the first section an iteration names, which is its main one
    gc.collect()
    gc.disable()  # a collection inside the clock would time the harness's own garbage
    begin = time.perf_counter()
    repeats = 1
    while agree(wants_more(main, time.perf_counter() - begin, effort)):
        taken.append(_mean([iteration(clock) for _ in range(repeats)]))
        main.append(next(iter(taken[-1].values())))
        # After the first, which pays for lazy initialisation, the second tells how long one takes.
        while len(main) == 2 and agree(too_short(main[1], repeats, clock.resolution)):
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


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    # torch's CPU allocator raises a plain RuntimeError.
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


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
