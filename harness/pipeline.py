"""The whole story on one screen: specs in, results stored, a site out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TypeAlias

from harness.analyse.selfcheck import judged
from harness.dispatch import artifacts, ceilings
from harness.dispatch.artifacts import Artifacts
from harness.dispatch.campaign import Campaign, CellDone, Event, RoundDone
from harness.dispatch.drive import Steps, alone, drive
from harness.dispatch.local import LocalDispatcher
from harness.dispatch.port import Bounds, Dispatcher
from harness.dispatch.selfcheck import trials as compared_with_itself
from harness.domain.ceiling import Ceiling, Ceilings
from harness.domain.cell import Choice
from harness.domain.location import Location
from harness.domain.result import Result, Round, Status
from harness.domain.run import Asked, Commit, Environment, Host, Run
from harness.domain.selfcheck import SelfCheck
from harness.errors import TrainingError, Unsupported
from harness.host.machine import this_host
from harness.plan.plan import Action, Plan, Planned, make_plan
from harness.process import identity, is_alive
from harness.quality.recipe import TRAINED, Recipe
from harness.scenarios import registry as scenarios
from harness.site.build import build
from harness.spec.load import Spec, load
from harness.store import Store, StoreReader, files
from harness.subject.environment import this_environment
from harness.subject.identity import subject
from harness.worker.messages import Effort, Job

# Without a limit of its own a round may hold this share of the host's memory: beyond it the
# machine would swap, or the kernel would choose what to kill.
_MEMORY_SHARE = 0.9


# By model that the harness trains itself, the digest of its weights.
Trained: TypeAlias = Mapping[Choice, Mapping[str, str]]


@dataclass(frozen=True)
class Request:
    """What the user asked for."""

    paths: tuple[str, ...]
    db: Location
    overrides: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    fresh: bool = False
    retry_failed: bool = False
    repo: Path | None = None  # whose commit it is; by default the installed harness's own
    site: Path | None = None  # where the site goes, which is no part of the subject
    command: str = ""
    db_is_default: bool = True


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


@dataclass(frozen=True)
class Outcome:
    """How each planned cell stands after a run."""

    statuses: Mapping[str, Status]

    @property
    def failed(self) -> int:
        """How many cells went wrong, now or in the earlier run whose result was reused."""
        return sum(status.went_wrong for status in self.statuses.values())

    def counts(self) -> Mapping[Status, int]:
        """Cells by status."""
        return Counter(self.statuses.values())


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


def prepare(request: Request) -> Prepared:
    """Read the specs and decide what to do with each cell, and why."""
    specs = tuple(load(request.paths, request.overrides, request.only))
    host = this_host()
    apart = [*files(request.db), *(Path(one.file) for one in specs)]
    commit, environment = subject(request.repo, apart + ([request.site] if request.site else []))
    with StoreReader(request.db) as stored:  # looking at a plan makes no database
        known = stored.known(commit, host, environment, alive=is_alive)
        durations = stored.durations(host)
    waiting = os.getloadavg()[0]
    plan = make_plan(
        specs, host, known, durations, request.fresh, request.retry_failed, load=waiting
    )
    lacking = ceilings.lacking(request.db, plan, host, this_environment())
    recipes = artifacts.recipes(plan.of(Action.MEASURE), host, environment)
    return Prepared(
        specs,
        host,
        environment,
        commit,
        plan,
        lacking,
        artifacts.untrained(recipes),
        artifacts.assumptions(plan),
    )


def run(request: Request, watcher: Watcher) -> Outcome:
    """Measure what the plan says, storing each round as it ends.

    May be stopped at any instant: what is stored stays, and the next run goes on from there.
    """
    models = Artifacts()
    begun = _Begun(watcher)
    with LocalDispatcher(models.located, begun) as dispatcher:  # imports torch meanwhile
        prepared = prepare(request)
        artifacts.require_cache(prepared.plan.of(Action.MEASURE))
        begun.items = {item.cell.id: item for item in prepared.plan.of(Action.MEASURE)}
        statuses = {item.cell.id: item.status for item in prepared.plan.items if item.status}
        with Store(request.db) as store:
            this_run = store.begin(_run(request, prepared))
            watcher.begin(prepared)
            try:
                _record_skips(store, this_run, prepared.plan)
                limits = ceilings.limits(
                    store,
                    prepared.plan,
                    prepared.host,
                    this_environment(),
                    prepared.ceilings,
                    watcher.ceiling,
                )
                with models:
                    ends = _measured(store, this_run, dispatcher, prepared, limits, models, watcher)
                    for end in ends:
                        statuses[end.item.cell.id] = end.status
            finally:
                watcher.end()
                store.finish(this_run)
    return Outcome(statuses)


@dataclass
class _Begun:
    """Tells the watcher of each round that starts to be measured."""

    watcher: Watcher
    items: Mapping[str, Planned] = field(default_factory=dict)

    def __call__(self, job: Job) -> None:
        if job.measures:
            self.watcher.start(self.items[job.cell.id], job.index)


def results(db: Location, *, newest_only: bool = True, samples: bool = False) -> list[Result]:
    """What is stored; nothing where there is no database yet."""
    with StoreReader(db) as stored:
        return stored.results(newest_only=newest_only, samples=samples)


def selfcheck(
    prepared: Prepared, db: Location, trials: int, progress: Callable[[], None]
) -> Iterator[SelfCheck]:
    """Compare each cell with itself that often; each cell's check, once it is stored.

    Cells that this host cannot measure raise Unsupported: there is nothing to compare.
    """
    artifacts.require_cache(prepared.plan)
    models = Artifacts()
    with Store(db) as store, LocalDispatcher(models.located) as dispatcher, models:
        trained, untrained = _trained(prepared.plan.items, prepared, models, lambda _: None)
        for item in prepared.plan.items:
            if item.action is Action.SKIP:
                raise Unsupported(f"{item.cell}: {item.reason}")
            if reason := untrained.get(item.cell.model):
                raise TrainingError(reason)

            def measure(planned: Planned, index: int) -> Round:
                steps = models.steps(planned, _job(planned, index, trained), lambda _: None)
                return alone(steps, dispatcher, _bounds(planned, prepared.host))

            told = []
            for trial in compared_with_itself(item.cell, trials, item.measure, measure):
                told.append(trial)
                progress()
            metric = scenarios[item.cell.scenario.name].headline
            check = judged(item.cell, metric, told, datetime.now(UTC))
            store.save_selfcheck(prepared.host, prepared.environment, check)
            yield check


def site(db: Location, out: Path) -> Path:
    """Build the site of all that is stored; its first page."""
    stored = results(db, newest_only=False, samples=True)
    return build(stored, out, selfchecks(db), all_ceilings(db))


def selfchecks(db: Location) -> list[tuple[Host, SelfCheck]]:
    """The newest self-check of each kind of machine and cell."""
    with StoreReader(db) as stored:
        return stored.selfchecks()


def ceiling(
    db: Location, hardware: Choice, tell: ceilings.Teller, seconds: float, *, fresh: bool
) -> tuple[ceilings.Place, tuple[Ceiling, ...]]:
    """What the hardware can do at best on this host, and where that holds.

    What is not stored, or known to be too low, is measured. UsageError where this host has no
    such hardware.
    """
    place = ceilings.Place(this_host(), this_environment(), hardware)
    ceilings.refuse(place)
    with Store(db) as store:
        found = () if fresh else ceilings.stored(store, place)
        names = ceilings.missing(found, place, again=True)
        return place, ceilings.settled(store, place, names, tell, seconds)


def all_ceilings(db: Location) -> tuple[Ceilings, ...]:
    """What every host can do at best, as far as it is stored."""
    with StoreReader(db) as stored:
        return stored.all_ceilings()


def _run(request: Request, prepared: Prepared) -> Run:
    pid, started = identity()
    return Run(
        commit=prepared.commit,
        host=prepared.host,
        environment=prepared.environment,
        started=datetime.now(UTC),
        seed=prepared.specs[0].measure.seed,
        specs={
            _readable(one.file): Asked(one.name, one.question, one.digest) for one in prepared.specs
        },
        command=_readable(request.command),
        pid=pid,
        pid_started=started,
    )


def _readable(name: str) -> str:
    """The name of a file as text that a database takes: the system allows any bytes."""
    return os.fsencode(name).decode(errors="replace")


def _record_skips(store: Store, this_run: Run, plan: Plan) -> None:
    for item in plan.items:
        if item.action is Action.SKIP and item.status is not None:
            result = store.open_result(this_run, item.cell, item.baseline, adopt=None)
            store.close_result(result, item.status, item.reason)


def _measured(
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
    trained, untrained = _trained(items, prepared, models, watcher.training)

    def steps(item: Planned, index: int) -> Steps:
        if reason := untrained.get(item.cell.model):
            return Round(index, Status.FAILED, reason)
        found = yield from models.steps(item, _job(item, index, trained), watcher.preparing)
        known = limits[item.cell.hardware] if found.status is Status.OK else ()
        peaks = ceilings.peaks(item.cell, prepared.host, known, found.facts)
        return replace(found, facts={**found.facts, **_price(item), **peaks})

    campaign = Campaign(items, _earlier_rounds(store, items, keys), this_run.seed)
    for event in drive(campaign, dispatcher, steps, lambda item: _bounds(item, prepared.host)):
        key = keys[event.item.cell.id]
        if isinstance(event, RoundDone):
            assert event.round.host in {None, this_run.host}, "a run is of one host"
            store.save_round(key, this_run, event.round)
        else:
            _close(store, key, event)
            yield event
        watcher.event(event)


def _trained(
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


def _close(store: Store, key: int, end: CellDone) -> None:
    store.close_result(key, end.status, end.reason, end.detail, end.stop_rule, end.metrics)


def _job(item: Planned, index: int, trained: Trained) -> Job:
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


def _bounds(item: Planned, host: Host) -> Bounds:
    limit = item.limits.memory or int(_MEMORY_SHARE * host.memory_bytes)
    return Bounds(seconds=item.limits.timeout, memory_bytes=limit)
