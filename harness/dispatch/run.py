"""A run: measures the planned cells, from the first round to the stored result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, TypeAlias

from harness.dispatch import artifacts, ceilings
from harness.dispatch.artifacts import Artifacts
from harness.dispatch.budget import Budget
from harness.dispatch.campaign import Campaign, CellDone, Event, RoundDone
from harness.dispatch.drive import Steps, drive
from harness.dispatch.port import Bounds, Dispatcher
from harness.dispatch.priority import Priority
from harness.domain.cell import Choice
from harness.domain.result import Latest, Round, Status
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
# After this share of its steps, training is known to fit into the budget or not.
_SURE = 0.03
_TOO_LONG = "training its model does not fit into the budget"


# The digests of the weights of each model that the harness trains itself.
Files: TypeAlias = Mapping[Choice, Mapping[str, str]]


@dataclass(frozen=True)
class Trained:
    """The models that the harness trains itself: their files, or why there are none."""

    files: Files
    failures: Mapping[Choice, str]
    put_off: Mapping[Choice, str]  # the run's budget is too small for them


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
    budget: Budget | None = None
    # The newest measurement of each cell on this host, by cell id: it decides what a budget pays.
    latest: Mapping[str, Latest] = field(default_factory=dict)


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
    """Measures the planned cells, stores each round as it ends, and yields each cell's end.

    A cell that the run's budget leaves without a round stays open in the store.
    """
    items = [item for item in prepared.plan.items if item.action is Action.MEASURE]
    keys = {
        item.cell.id: store.open_result(this_run, item.cell, item.baseline, adopt=item.adopt)
        for item in items
    }
    trained = trained_files(items, prepared, models, watcher.training)

    def steps(item: Planned, index: int) -> Steps:
        if reason := trained.failures.get(item.cell.model):
            return Round(index, Status.FAILED, reason)
        job = job_of(item, index, trained.files)
        measured = yield from models.steps(item, job, watcher.preparing)
        applicable = known[item.cell.hardware] if measured.status is Status.OK else ()
        peaks = ceilings.peaks(item.cell, prepared.host, applicable, measured.facts)
        return replace(measured, facts={**measured.facts, **_price(item), **peaks})

    def bounds(item: Planned) -> Bounds:
        own = bounds_of(item, prepared.host)
        budget, expected = prepared.budget, item.expected
        seconds = expected.once.high + expected.round.high if expected else 0.0
        return budget.cut(own, seconds) if budget else own

    for item in items:
        if reason := trained.put_off.get(item.cell.model):
            watcher.event(left := CellDone(item, Status.MEASURING, reason))
            yield left
    measured = [item for item in items if item.cell.model not in trained.put_off]
    earlier = _earlier_rounds(store, measured, keys)
    campaign = Campaign(measured, earlier, this_run.seed, _priority(prepared))
    for event in drive(campaign, dispatcher, steps, bounds):
        key = keys[event.item.cell.id]
        if isinstance(event, RoundDone):
            assert event.round.host in {None, this_run.host}, "all rounds of a run are of one host"
            store.save_round(key, this_run, event.round)
        else:
            if event.status.final:
                close(store, key, event)
            yield event
        watcher.event(event)


def _priority(prepared: Prepared) -> Priority | None:
    return Priority(prepared.budget, prepared.latest) if prepared.budget else None


def trained_files(
    items: Sequence[Planned],
    prepared: Prepared,
    models: Artifacts,
    notify: Callable[[artifacts.Step], None],
) -> Trained:
    """The file of each model that the harness trains itself.

    Trains the models that are not in the cache, if the run's budget allows. Adds to `models` the
    paths of these files and of those that the spec names.
    """
    files: dict[Choice, Mapping[str, str]] = {}
    failures: dict[Choice, str] = {}
    put_off: dict[Choice, str] = {}
    for item in items:
        models.paths |= item.weights
    recipes = artifacts.recipes(items, prepared.host, prepared.environment)
    for model, recipe in recipes.items():
        if artifacts.untrained({model: recipe}) and not _fits(recipe, prepared.budget):
            put_off[model] = _TOO_LONG
            continue
        try:
            models.paths[recipe.name] = str(_reference(model, recipe, notify, prepared.budget))
            files[model] = {TRAINED: recipe.name}
        except _PutOff as end:
            put_off[model] = str(end)
        except TrainingError as error:
            failures[model] = str(error)
    return Trained(files, failures, put_off)


class _PutOff(TrainingError):
    """Training would take longer than what is left of the run's budget."""


def _fits(recipe: Recipe, budget: Budget | None) -> bool:
    return budget is None or budget.fits_training(artifacts.expected_training(recipe).middle)


def _reference(
    model: Choice,
    recipe: Recipe,
    notify: Callable[[artifacts.Step], None],
    budget: Budget | None,
) -> Path:
    """The model's file. Raises _PutOff as soon as training is seen to overrun the budget."""
    if budget is None:
        return artifacts.reference(model, recipe, notify)

    def watched(step: artifacts.Step) -> None:
        notify(step)
        if step.done >= _SURE * step.steps and step.seconds_left > budget.left:
            raise _PutOff(_TOO_LONG)

    try:
        return artifacts.reference(model, recipe, watched, max(0.0, budget.left))
    except TrainingError as error:
        if budget.left > 0:
            raise
        raise _PutOff(_TOO_LONG) from error


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


def job_of(item: Planned, index: int, trained: Files) -> Job:
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
