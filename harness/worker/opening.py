"""A cell's session, and what opening it took."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from harness import backends, hardware, launchers, operators, parallelism, scenarios
from harness.domain.cell import Cell
from harness.domain.precision import PRECISIONS
from harness.domain.result import ASSUMED
from harness.host.pages import CAN_DROP, drop_pages
from harness.model import cost
from harness.model.architectures import dimensions_of, shape_of
from harness.model.artifact import verify
from harness.model.cost import Weights
from harness.model.language import LanguageModel
from harness.model.measure import executed_flops, model_bytes, parameter_count, weights_of
from harness.model.shape import BaseShape
from harness.model.transformer import Transformer
from harness.session import Opening, Session
from harness.session.workload import Workload
from harness.worker.messages import Job
from harness.worker.preparation import dense_model, dtype_of, loaded, unjudged

if TYPE_CHECKING:
    import torch

    from harness.distributed.split import Split
    from harness.model.factory import FactoryModel


@dataclass(frozen=True)
class Opened:
    """A session, and what is known of its model: facts, and the whole model's weights."""

    session: Session
    shape: BaseShape
    weights: Weights
    facts: Mapping[str, float]
    notes: Mapping[str, str]
    uncounted: FactoryModel | None = None  # a model whose FLOPs are counted as it runs


def open_cell(job: Job, device: torch.device) -> Opened:
    """Have the cell's backend open a session on its model, and time it."""
    cell = job.cell
    opening, model = opening_of(job, device)
    session = backends.registry.of(cell.backend).open(opening)
    name = "cold_load_time" if _is_cold(job) else "load_time"
    seconds = model.watch.seconds()
    known = model.known or _by_arithmetic(cell)
    facts = {**known.facts, **_work(cell), name: seconds}
    return Opened(session, opening.shape, known.weights, facts, known.notes, known.uncounted)


def opening_of(job: Job, device: torch.device) -> tuple[Opening, CellModel]:
    """What the cell's backend is given; and the model that it loads, once it does."""
    cell = job.cell
    model = CellModel(job, device)
    split = partial(_split_over_ranks, cell, device) if cell.parallelism else None
    shape = shape_of(cell.model)
    return Opening(cell, shape, device, dtype_of(cell), model.load, split, job.cache), model


def workload_of(job: Job, session: Session) -> Workload:
    """What the cell's scenario gives this rank to do."""
    vocab = shape_of(job.cell.model).vocab
    cache_bytes = hardware.registry.of(job.cell.hardware).cache_bytes
    return Workload(job.cell.load, vocab, job.seed, session.batch, session.share, cache_bytes)


@dataclass(frozen=True)
class _Known:
    weights: Weights
    facts: Mapping[str, float]
    notes: Mapping[str, str]
    uncounted: FactoryModel | None = None


class CellModel:
    """The cell's model in torch, to be loaded by a backend that wants it."""

    def __init__(self, job: Job, device: torch.device) -> None:
        self._job, self._device = job, device
        self.watch = _Stopwatch()
        self.known: _Known | None = None  # of the model as it stood when it was loaded

    def load(self) -> LanguageModel:
        """From its prepared file, else built anew. Counting what it holds is not timed."""
        job = self._job
        core = self._from_file() if job.artifact else self._built()
        with self.watch.paused():
            facts = {"model_bytes": float(model_bytes(core))}
            notes = {}
            if not job.artifact:
                facts["parameters"] = float(parameter_count(core))
                notes = {"bits_per_byte": unjudged(core.shape)} if job.quality else {}
            if isinstance(core, Transformer):
                facts["flops"] = self._flops(core)
                self.known = _Known(weights_of(core), facts, notes)
            else:
                self.known = _known_of_factory(core, facts, notes)
        return core

    def _from_file(self) -> LanguageModel:
        job, path = self._job, self._job.model_file
        with self.watch.paused():
            verify(path)  # which leaves all its pages in memory
            if _is_cold(job):
                drop_pages(path)
        return loaded(job.cell, path, self._device)

    def _built(self) -> LanguageModel:
        cell = self._job.cell
        assert not cell.compression, "a compressed model is prepared, and loaded from its file"
        return dense_model(self._job, self._device, dtype_of(cell))

    def _flops(self, core: Transformer) -> float:
        """What one iteration does, over all ranks, from the model's own arithmetic."""
        cell = self._job.cell
        works = scenarios.registry.of(cell.scenario).work(cell.load)
        return float(executed_flops(core, operators.registry.of(cell.operator), works))


def _known_of_factory(
    core: LanguageModel, facts: Mapping[str, float], notes: Mapping[str, str]
) -> _Known:
    from harness.model.factory import COUNTED, FactoryModel
    from harness.model.factory import weights_of as weights

    assert isinstance(core, FactoryModel), "a model is built in, or a factory's"
    return _Known(weights(core), facts, {**notes, ASSUMED: COUNTED}, core)


def _by_arithmetic(cell: Cell) -> _Known:
    """Of a model that no one loaded here: what its dimensions say."""
    shape, operator = dimensions_of(cell.model), operators.registry.of(cell.operator)
    works = scenarios.registry.of(cell.scenario).work(cell.load)
    element = PRECISIONS[cell.precision.name].bytes
    facts = {
        "parameters": float(cost.parameters(shape, operator)),
        "flops": float(cost.flops(shape, operator, works)),
    }
    return _Known(cost.dense_weights(shape, operator, element), facts, {})


def _work(cell: Cell) -> dict[str, float]:
    scenario = scenarios.registry.of(cell.scenario)
    return {
        "tokens": float(cell.load["batch"] * scenario.tokens(cell.load)),
        "steps": float(scenario.steps(cell.load)),
    }


def _split_over_ranks(cell: Cell, device: torch.device, core: LanguageModel) -> Split:
    """This rank's part of the model, as the cell's strategies and its launcher make it."""
    from harness.distributed.assemble import Whole  # a second, which whole models save

    assert isinstance(core, Transformer), "only built-in models are split"
    changes: list[Callable[[Split], None]] = [
        one.apply for one in parallelism.strategies(cell.parallelism)
    ]
    trains = scenarios.registry.of(cell.scenario).trains
    timer = hardware.registry.of(cell.hardware).timer()
    whole = Whole(core, parallelism.degrees(cell), changes, device, trains, timer)
    return launchers.launcher_of(cell).assemble(whole)


def _is_cold(job: Job) -> bool:
    """True if the file is to come from the disk: every other round, where that can be had."""
    return bool(job.artifact) and job.cold and CAN_DROP


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
