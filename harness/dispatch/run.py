"""A run: measures the planned cells, from the first round to the stored result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias

from harness.dispatch import artifacts, ceilings
from harness.dispatch.artifacts import Artifacts
from harness.dispatch.campaign import Campaign, CellDone, Event, RoundDone
from harness.dispatch.drive import Steps, drive
from harness.dispatch.port import Bounds, Dispatcher
from harness.domain.cell import Choice
from harness.domain.result import Round, Status
from harness.domain.run import Commit, Environment, Host, Run
from harness.errors import TrainingError
from harness.plan.plan import Action, Plan, Planned
from harness.quality.recipe import TRAINED, Recipe
from harness.spec.load import Spec
from harness.store import Store
from harness.worker.messages import Effort, Job

# If the spec sets no memory limit, a round may hold this share of the host's memory. Beyond it
# the machine would swap, or the kernel would choose a process to kill.
_MEMORY_SHARE = 0.9


# The digests of the weights of each model that the harness trains itself.
Trained: TypeAlias = Mapping[Choice, Mapping[str, str]]


@dataclass(frozen=True)
class Prepared:
    """A request resolved against this host and the stored results."""

    specs: tuple[Spec, ...]
    host: Host
    environment: Environment
    commit: Commit
    plan: Plan
    # The ceilings that the run measures before the first round, by hardware.
    ceilings: ceilings.Names = field(default_factory=dict)
    # The recipes of the reference models that the run trains before the first round.
    trainings: Mapping[Choice, Recipe] = field(default_factory=dict)
    # What the harness assumes about models whose weight files leave it open, a sentence each.
    assumptions: tuple[str, ...] = ()


class Watcher(Protocol):
    """Follows the progress of a run."""

    def begin(self, prepared: Prepared) -> None:
        """The plan is made; measuring starts."""

    def ceiling(self, event: ceilings.Event) -> None:
        """Measuring the host's ceilings starts, proceeds or fails."""

    def training(self, step: artifacts.Step) -> None:
        """Training of a reference model has done a step."""

    def preparing(self, item: Planned) -> None:
        """Before a cell's first round, its model is compressed, written and evaluated."""

    def start(self, item: Planned, index: int) -> None:
        """A round starts."""

    def event(self, event: Event) -> None:
        """A round or a cell is done."""

    def end(self) -> None:
        """The run is over, whether it finished or was stopped."""


@dataclass
class RoundStarts:
    """Reports the start of each measured round to the watcher."""

    watcher: Watcher
    items: Mapping[str, Planned] = field(default_factory=dict)

    def __call__(self, job: Job) -> None:
        """A job starts."""
        if job.measures:
            self.watcher.start(self.items[job.cell.id], job.index)


def record_skips(store: Store, this_run: Run, plan: Plan) -> None:
    """Stores each skipped cell with its reason."""
    for item in plan.items:
        if item.action is Action.SKIP and item.status is not None:
            result = store.open_result(this_run, item.cell, item.baseline, adopt=None)
            store.close_result(result, item.status, item.reason)


def measure_cells(
    store: Store,
    this_run: Run,
    dispatcher: Dispatcher,
    prepared: Prepared,
    known: ceilings.ByHardware,
    models: Artifacts,
    watcher: Watcher,
) -> Iterator[CellDone]:
    """Measures the planned cells, stores each round as it ends, and yields each cell's end."""
    items = [item for item in prepared.plan.items if item.action is Action.MEASURE]
    keys = {
        item.cell.id: store.open_result(this_run, item.cell, item.baseline, adopt=item.adopt)
        for item in items
    }
    trained, untrained = trained_files(items, prepared, models, watcher.training)

    def steps(item: Planned, index: int) -> Steps:
        if reason := untrained.get(item.cell.model):
            return Round(index, Status.FAILED, reason)
        measured = yield from models.steps(item, job_of(item, index, trained), watcher.preparing)
        applicable = known[item.cell.hardware] if measured.status is Status.OK else ()
        peaks = ceilings.peaks(item.cell, prepared.host, applicable, measured.facts)
        return replace(measured, facts={**measured.facts, **_price(item), **peaks})

    campaign = Campaign(items, _earlier_rounds(store, items, keys), this_run.seed)
    for event in drive(campaign, dispatcher, steps, lambda item: bounds_of(item, prepared.host)):
        key = keys[event.item.cell.id]
        if isinstance(event, RoundDone):
            assert event.round.host in {None, this_run.host}, "all rounds of a run are of one host"
            store.save_round(key, this_run, event.round)
        else:
            close(store, key, event)
            yield event
        watcher.event(event)


def trained_files(
    items: Sequence[Planned],
    prepared: Prepared,
    models: Artifacts,
    notify: Callable[[artifacts.Step], None],
) -> tuple[Trained, Mapping[Choice, str]]:
    """The file of each model that the harness trains itself, and each failure, by model.

    Trains the models that are not in the cache. Adds to `models` the paths of these files and of
    those that the spec names.
    """
    files: dict[Choice, Mapping[str, str]] = {}
    failures: dict[Choice, str] = {}
    for item in items:
        models.paths |= item.weights
    recipes = artifacts.recipes(items, prepared.host, prepared.environment)
    for model, recipe in recipes.items():
        try:
            models.paths[recipe.name] = str(artifacts.reference(model, recipe, notify))
            files[model] = {TRAINED: recipe.name}
        except TrainingError as error:
            failures[model] = str(error)
    return files, failures


def _earlier_rounds(
    store: Store, items: Sequence[Planned], keys: Mapping[str, int]
) -> Mapping[str, Sequence[Round]]:
    """The rounds of each cell that an interrupted run stored."""
    return {item.cell.id: store.rounds_of(keys[item.cell.id]) for item in items if item.rounds_done}


def _price(item: Planned) -> Mapping[str, float]:
    """The price of an hour of the cell's hardware, as a fact. Empty if the hardware has none."""
    return {} if item.price is None else {"price_per_hour": item.price}


def close(store: Store, key: int, end: CellDone) -> None:
    """Stores how a cell ended."""
    store.close_result(key, end.status, end.reason, end.detail, end.stop_rule, end.metrics)


def job_of(item: Planned, index: int, trained: Trained) -> Job:
    """The job that measures this round of the cell."""
    effort = item.measure
    return Job(
        cell=item.cell,
        index=index,
        seed=effort.seed,
        effort=Effort(effort.round_time, effort.samples, effort.max_samples),
        # Only once: the seed gives every round the same model.
        quality=effort.quality and index == 0,
        weights={
            **{digest: digest for digest in item.weights},
            **trained.get(item.cell.model, {}),
        },
        energy=effort.energy,
        allocator=effort.allocator,
        cold=index % 2 == 1,
    )


def bounds_of(item: Planned, host: Host) -> Bounds:
    """The bounds of the cell's jobs: the spec's limits, or a share of the host's memory."""
    limit = item.limits.memory or int(_MEMORY_SHARE * host.memory_bytes)
    return Bounds(seconds=item.limits.timeout, memory_bytes=limit)
