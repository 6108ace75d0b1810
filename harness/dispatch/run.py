"""A run: the cells that a plan says to measure, from the first round to the stored result."""

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

# Without a limit of its own a round may hold this share of the host's memory: beyond it the
# machine would swap, or the kernel would choose what to kill.
_MEMORY_SHARE = 0.9


# By model that the harness trains itself, the digest of its weights.
Trained: TypeAlias = Mapping[Choice, Mapping[str, str]]


@dataclass(frozen=True)
class Prepared:
    """A request, looked up against this host and what is stored."""

    specs: tuple[Spec, ...]
    host: Host
    environment: Environment
    commit: Commit
    plan: Plan
    # By hardware, the ceilings that a run measures before the first round.
    ceilings: ceilings.Names = field(default_factory=dict)
    # The reference models that a run trains before the first round, by their recipes.
    trainings: Mapping[Choice, Recipe] = field(default_factory=dict)
    # What no file says of the models, and the specs alone do.
    assumptions: tuple[str, ...] = ()


class Watcher(Protocol):
    """Is told how a run goes."""

    def begin(self, prepared: Prepared) -> None:
        """The plan stands; measuring starts."""

    def ceiling(self, event: ceilings.Event) -> None:
        """Measuring what the host can do at best starts, goes on, or fails."""

    def training(self, step: artifacts.Step) -> None:
        """Training the reference model goes on."""

    def preparing(self, item: Planned) -> None:
        """A cell's model is compressed, written and judged, before its first round."""

    def start(self, item: Planned, index: int) -> None:
        """A round starts."""

    def event(self, event: Event) -> None:
        """A round or a cell is done."""

    def end(self) -> None:
        """No more will come, whether all is done or the run was stopped."""


@dataclass
class Begun:
    """Tells the watcher of each round that starts to be measured."""

    watcher: Watcher
    items: Mapping[str, Planned] = field(default_factory=dict)

    def __call__(self, job: Job) -> None:
        """A job starts."""
        if job.measures:
            self.watcher.start(self.items[job.cell.id], job.index)


def record_skips(store: Store, this_run: Run, plan: Plan) -> None:
    """Store the cells that are not tried, with the reason."""
    for item in plan.items:
        if item.action is Action.SKIP and item.status is not None:
            result = store.open_result(this_run, item.cell, item.baseline, adopt=None)
            store.close_result(result, item.status, item.reason)


def measured(
    store: Store,
    this_run: Run,
    dispatcher: Dispatcher,
    prepared: Prepared,
    limits: ceilings.Limits,
    models: Artifacts,
    watcher: Watcher,
) -> Iterator[CellDone]:
    """Measure the cells that the plan says to, storing as it goes; each one's end."""
    items = [item for item in prepared.plan.items if item.action is Action.MEASURE]
    keys = {
        item.cell.id: store.open_result(this_run, item.cell, item.baseline, adopt=item.adopt)
        for item in items
    }
    trained, untrained = trained_files(items, prepared, models, watcher.training)

    def steps(item: Planned, index: int) -> Steps:
        if reason := untrained.get(item.cell.model):
            return Round(index, Status.FAILED, reason)
        found = yield from models.steps(item, job_of(item, index, trained), watcher.preparing)
        known = limits[item.cell.hardware] if found.status is Status.OK else ()
        peaks = ceilings.peaks(item.cell, prepared.host, known, found.facts)
        return replace(found, facts={**found.facts, **_price(item), **peaks})

    campaign = Campaign(items, _earlier_rounds(store, items, keys), this_run.seed)
    for event in drive(campaign, dispatcher, steps, lambda item: bounds_of(item, prepared.host)):
        key = keys[event.item.cell.id]
        if isinstance(event, RoundDone):
            assert event.round.host in {None, this_run.host}, "a run is of one host"
            store.save_round(key, this_run, event.round)
        else:
            close(store, key, event)
            yield event
        watcher.event(event)


def trained_files(
    items: Sequence[Planned],
    prepared: Prepared,
    models: Artifacts,
    tell: Callable[[artifacts.Step], None],
) -> tuple[Trained, Mapping[Choice, str]]:
    """By model that the harness trains itself, its file, or why it has none; trained if need be.

    Where these files are, and those that the spec names, is from then on known to `models`.
    """
    files: dict[Choice, Mapping[str, str]] = {}
    failures: dict[Choice, str] = {}
    for item in items:
        models.paths |= item.weights
    recipes = artifacts.recipes(items, prepared.host, prepared.environment)
    for model, recipe in recipes.items():
        try:
            models.paths[recipe.name] = str(artifacts.reference(model, recipe, tell))
            files[model] = {TRAINED: recipe.name}
        except TrainingError as error:
            failures[model] = str(error)
    return files, failures


def _earlier_rounds(
    store: Store, items: Sequence[Planned], keys: Mapping[str, int]
) -> Mapping[str, Sequence[Round]]:
    """Rounds that a cut-short run left of the cells."""
    return {item.cell.id: store.rounds_of(keys[item.cell.id]) for item in items if item.rounds_done}


def _price(item: Planned) -> Mapping[str, float]:
    """Of an hour of the cell's hardware, as a fact of the round; nothing where it has none."""
    return {} if item.price is None else {"price_per_hour": item.price}


def close(store: Store, key: int, end: CellDone) -> None:
    """Store how a cell ended."""
    store.close_result(key, end.status, end.reason, end.detail, end.stop_rule, end.metrics)


def job_of(item: Planned, index: int, trained: Trained) -> Job:
    """The job that measures a round of the cell."""
    effort = item.measure
    return Job(
        cell=item.cell,
        index=index,
        seed=effort.seed,
        effort=Effort(effort.round_time, effort.samples, effort.max_samples),
        # Once is enough: the same seed makes the same model in every round.
        quality=effort.quality and index == 0,
        weights={**{one: one for one in item.weights}, **trained.get(item.cell.model, {})},
        energy=effort.energy,
        allocator=effort.allocator,
        cold=index % 2 == 1,
    )


def bounds_of(item: Planned, host: Host) -> Bounds:
    """What its spec allows the cell's jobs, or what the host can bear."""
    limit = item.limits.memory or int(_MEMORY_SHARE * host.memory_bytes)
    return Bounds(seconds=item.limits.timeout, memory_bytes=limit)
