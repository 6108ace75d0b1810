"""Opens a cell's session, and times it."""

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
from harness.worker.preparation import dense_model, dtype_of, loaded, why_unscored

if TYPE_CHECKING:
    import torch

    from harness.distributed.split import Split
    from harness.model.factory import FactoryModel


@dataclass(frozen=True)
class Opened:
    """An open session, with facts about its model and the weights of the whole model."""

    session: Session
    shape: BaseShape
    weights: Weights
    facts: Mapping[str, float]
    notes: Mapping[str, str]
    uncounted: FactoryModel | None = None  # a model whose FLOPs are counted while it runs


def open_cell(job: Job, device: torch.device) -> Opened:
    """Has the cell's backend open a session on its model, and times it."""
    cell = job.cell
    opening, model = opening_of(job, device)
    session = backends.registry.of(cell.backend).open(opening)
    name = "cold_load_time" if _is_cold(job) else "load_time"
    seconds = model.watch.seconds()
    known = model.known or _computed(cell)
    facts = {**known.facts, **_work(cell), name: seconds}
    return Opened(session, opening.shape, known.weights, facts, known.notes, known.uncounted)


def opening_of(job: Job, device: torch.device) -> tuple[Opening, CellModel]:
    """The opening for the cell's backend, and the model that the backend may load."""
    cell = job.cell
    model = CellModel(job, device)
    split = partial(_split_over_ranks, cell, device) if cell.parallelism else None
    shape = shape_of(cell.model)
    return Opening(cell, shape, device, dtype_of(cell), model.load, split, job.cache), model


def workload_of(job: Job, session: Session) -> Workload:
    """This rank's workload in the cell's scenario."""
    vocab = shape_of(job.cell.model).vocab
    cache_bytes = hardware.registry.of(job.cell.hardware).cache_bytes
    return Workload(job.cell.load, vocab, job.seed, session.batch, session.share, cache_bytes)


@dataclass(frozen=True)
class _ModelFacts:
    weights: Weights
    facts: Mapping[str, float]
    notes: Mapping[str, str]
    uncounted: FactoryModel | None = None


class CellModel:
    """The cell's model in torch, loaded only if the backend asks for it."""

    def __init__(self, job: Job, device: torch.device) -> None:
        self._job, self._device = job, device
        self.watch = _Stopwatch()
        self.known: _ModelFacts | None = None  # set by `load`, so before the model is split

    def load(self) -> LanguageModel:
        """Loads the prepared file, or builds the model anew. Gathering its facts is not timed."""
        job = self._job
        core = self._from_file() if job.artifact else self._built()
        with self.watch.paused():
            facts = {"model_bytes": float(model_bytes(core))}
            notes = {}
            if not job.artifact:
                facts["parameters"] = float(parameter_count(core))
                notes = {"bits_per_byte": why_unscored(core.shape)} if job.quality else {}
            if isinstance(core, Transformer):
                facts["flops"] = self._flops(core)
                self.known = _ModelFacts(weights_of(core), facts, notes)
            else:
                self.known = _facts_of_factory_model(core, facts, notes)
        return core

    def _from_file(self) -> LanguageModel:
        job, path = self._job, self._job.model_file
        with self.watch.paused():
            verify(path)  # leaves all pages of the file in memory
            if _is_cold(job):
                drop_pages(path)
        return loaded(job.cell, path, self._device)

    def _built(self) -> LanguageModel:
        cell = self._job.cell
        assert not cell.compression, "a compressed model is always loaded from its prepared file"
        return dense_model(self._job, self._device, dtype_of(cell))

    def _flops(self, core: Transformer) -> float:
        """FLOPs of an iteration, over all ranks, computed from the model's layers."""
        cell = self._job.cell
        works = scenarios.registry.of(cell.scenario).work(cell.load)
        return float(executed_flops(core, operators.registry.of(cell.operator), works))


def _facts_of_factory_model(
    core: LanguageModel, facts: Mapping[str, float], notes: Mapping[str, str]
) -> _ModelFacts:
    from harness.model.factory import COUNTED, FactoryModel
    from harness.model.factory import weights_of as weights

    assert isinstance(core, FactoryModel), "a model that is not built in comes from a factory"
    return _ModelFacts(weights(core), facts, {**notes, ASSUMED: COUNTED}, core)


def _computed(cell: Cell) -> _ModelFacts:
    """Facts computed from the model's dimensions, if the backend did not load the model here."""
    shape, operator = dimensions_of(cell.model), operators.registry.of(cell.operator)
    works = scenarios.registry.of(cell.scenario).work(cell.load)
    element = PRECISIONS[cell.precision.name].bytes
    facts = {
        "parameters": float(cost.parameters(shape, operator)),
        "flops": float(cost.flops(shape, operator, works)),
    }
    return _ModelFacts(cost.dense_weights(shape, operator, element), facts, {})


def _work(cell: Cell) -> dict[str, float]:
    scenario = scenarios.registry.of(cell.scenario)
    return {
        "tokens": float(cell.load["batch"] * scenario.tokens(cell.load)),
        "steps": float(scenario.steps(cell.load)),
    }


def _split_over_ranks(cell: Cell, device: torch.device, core: LanguageModel) -> Split:
    """This rank's part of the model, by the cell's strategies and its launcher."""
    from harness.distributed.assemble import Whole  # slow: a second

    assert isinstance(core, Transformer), "only built-in models are split"
    strategies = parallelism.strategies(cell.parallelism)
    changes: list[Callable[[Split], None]] = [strategy.apply for strategy in strategies]
    trains = scenarios.registry.of(cell.scenario).trains
    timer = hardware.registry.of(cell.hardware).timer()
    whole = Whole(core, parallelism.degrees(cell), changes, device, trains, timer)
    return launchers.launcher_of(cell).assemble(whole)


def _is_cold(job: Job) -> bool:
    """True if the prepared file is read from the disk, and this system can drop its pages."""
    return bool(job.artifact) and job.cold and CAN_DROP


class _Stopwatch:
    """Seconds since its creation, without the pauses."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._paused = 0.0

    def seconds(self) -> float:
        return time.perf_counter() - self._start - self._paused

    def paused(self) -> AbstractContextManager[None]:
        return _Pause(self)

    def leave_out(self, seconds: float) -> None:
        self._paused += seconds


class _Pause(AbstractContextManager[None]):
    def __init__(self, watch: _Stopwatch) -> None:
        self._watch = watch

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._watch.leave_out(time.perf_counter() - self._start)
