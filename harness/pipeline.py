"""The whole story on one screen: specs in, results stored, a site out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.analyse.selfcheck import judged
from harness.dispatch import artifacts, ceilings
from harness.dispatch.artifacts import Artifacts
from harness.dispatch.campaign import Campaign, Event
from harness.dispatch.drive import Steps, drive
from harness.dispatch.local import LocalDispatcher
from harness.dispatch.run import (
    Prepared,
    RoundStarts,
    Watcher,
    bounds_of,
    job_of,
    measure_cells,
    record_skips,
    trained_files,
)
from harness.dispatch.selfcheck import trials as compared_with_itself
from harness.domain.ceiling import Ceiling, Ceilings
from harness.domain.cell import Choice
from harness.domain.location import Location
from harness.domain.result import Result, Status
from harness.domain.run import Asked, Host, Run
from harness.domain.selfcheck import SelfCheck
from harness.errors import TrainingError, Unsupported
from harness.host.machine import this_host
from harness.plan.plan import Action, Planned, make_plan
from harness.process import identity, is_alive
from harness.scenarios import registry as scenarios
from harness.site.build import build
from harness.spec.load import load
from harness.store import Store, StoreReader, files
from harness.subject.environment import this_environment
from harness.subject.identity import subject

__all__ = ["Outcome", "Prepared", "Request", "Watcher"]


@dataclass(frozen=True)
class Request:
    """What the user asked for."""

    paths: tuple[str, ...]
    db: Location
    overrides: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    fresh: bool = False
    retry_failed: bool = False
    repo: Path | None = None  # the results carry its commit; by default the installed harness's
    site: Path | None = None  # where the site goes; its files are not part of the subject
    command: str = ""
    db_is_default: bool = True


@dataclass(frozen=True)
class Outcome:
    """The status of each planned cell after a run."""

    statuses: Mapping[str, Status]

    @property
    def failed(self) -> int:
        """How many cells went wrong, now or in the earlier run whose result was reused."""
        return sum(status.went_wrong for status in self.statuses.values())

    def counts(self) -> Mapping[Status, int]:
        """Cells by status."""
        return Counter(self.statuses.values())


def prepare(request: Request) -> Prepared:
    """Read the specs and decide what to do with each cell, and why."""
    specs = tuple(load(request.paths, request.overrides, request.only))
    host = this_host()
    ignored = [*files(request.db), *(Path(one.file) for one in specs)]
    ignored += [request.site] if request.site else []
    factories = {cell.factory for one in specs for cell in one.cells if cell.factory}
    modules = {name.partition(":")[0].partition(".")[0] for name in factories}
    commit, environment = subject(request.repo, ignored, modules)
    with StoreReader(request.db) as stored:  # planning creates no database
        known = stored.known(commit, host, environment, alive=is_alive)
        durations = stored.durations(host)
    load_average = os.getloadavg()[0]
    plan = make_plan(
        specs, host, known, durations, request.fresh, request.retry_failed, load=load_average
    )
    missing = ceilings.missing_by_hardware(request.db, plan, host, this_environment())
    recipes = artifacts.recipes(plan.of(Action.MEASURE), host, environment)
    return Prepared(
        specs,
        host,
        environment,
        commit,
        plan,
        missing,
        artifacts.untrained(recipes),
        artifacts.assumptions(plan),
    )


def run(request: Request, watcher: Watcher) -> Outcome:
    """Measure what the plan says and store each round as it ends.

    It may be stopped at any moment: stored rounds stay, and the next run continues from there.
    """
    models = Artifacts()
    begun = RoundStarts(watcher)
    with LocalDispatcher(models.located, begun) as dispatcher:  # its process imports torch now
        prepared = prepare(request)
        artifacts.require_cache(prepared.plan.of(Action.MEASURE))
        begun.items = {item.cell.id: item for item in prepared.plan.of(Action.MEASURE)}
        statuses = {item.cell.id: item.status for item in prepared.plan.items if item.status}
        with Store(request.db) as store:
            this_run = store.begin(run_of(request, prepared))
            watcher.begin(prepared)
            try:
                record_skips(store, this_run, prepared.plan)
                known = ceilings.by_hardware(
                    store,
                    prepared.plan,
                    prepared.host,
                    this_environment(),
                    prepared.ceilings,
                    watcher.ceiling,
                )
                with models:
                    for end in measure_cells(
                        store, this_run, dispatcher, prepared, known, models, watcher
                    ):
                        statuses[end.item.cell.id] = end.status
            finally:
                watcher.end()
                store.finish(this_run)
    return Outcome(statuses)


def results(db: Location, *, newest_only: bool = True, samples: bool = False) -> list[Result]:
    """The stored results; none if there is no database yet."""
    with StoreReader(db) as stored:
        return stored.results(newest_only=newest_only, samples=samples)


def selfcheck(
    prepared: Prepared, db: Location, trials: int, progress: Callable[[], None]
) -> Iterator[SelfCheck]:
    """Compare each cell with itself `trials` times; yield each check once it is stored.

    Raises Unsupported for a cell that this host cannot measure, because there is nothing to
    compare.
    """
    artifacts.require_cache(prepared.plan)
    models = Artifacts()
    with Store(db) as store, LocalDispatcher(models.located) as dispatcher, models:
        trained, untrained = trained_files(prepared.plan.items, prepared, models, lambda _: None)

        def steps(item: Planned, index: int) -> Steps:
            return models.steps(item, job_of(item, index, trained), lambda _: None)

        def measured_here(campaign: Campaign) -> Iterator[Event]:
            return drive(campaign, dispatcher, steps, lambda item: bounds_of(item, prepared.host))

        for item in prepared.plan.items:
            if item.action is Action.SKIP:
                raise Unsupported(f"{item.cell}: {item.reason}")
            if reason := untrained.get(item.cell.model):
                raise TrainingError(reason)

            done = []
            for trial in compared_with_itself(item.cell, trials, item.measure, measured_here):
                done.append(trial)
                progress()
            metric = scenarios[item.cell.scenario.name].headline
            check = judged(item.cell, metric, done, datetime.now(UTC))
            store.save_selfcheck(prepared.host, prepared.environment, check)
            yield check


def site(db: Location, out: Path) -> Path:
    """Build the site from everything stored; return the path of its index page."""
    stored = results(db, newest_only=False, samples=True)
    return build(stored, out, selfchecks(db), all_ceilings(db))


def selfchecks(db: Location) -> list[tuple[Host, SelfCheck]]:
    """The newest self-check of each kind of machine and cell."""
    with StoreReader(db) as stored:
        return stored.selfchecks()


def ceiling(
    db: Location, hardware: Choice, report: ceilings.Listener, seconds: float, *, fresh: bool
) -> tuple[ceilings.Place, tuple[Ceiling, ...]]:
    """This hardware's ceilings on this host, and the place they belong to.

    Ceilings that are missing or too low are measured. Raises UsageError if this host has no such
    hardware.
    """
    place = ceilings.Place(this_host(), this_environment(), hardware)
    ceilings.refuse(place)
    with Store(db) as store:
        found = () if fresh else ceilings.stored(store, place)
        names = ceilings.missing(found, place, again=True)
        return place, ceilings.stored_after_measuring(store, place, names, report, seconds)


def all_ceilings(db: Location) -> tuple[Ceilings, ...]:
    """All stored ceilings, of every host."""
    with StoreReader(db) as stored:
        return stored.all_ceilings()


def run_of(request: Request, prepared: Prepared) -> Run:
    """The run that measures what was requested, as it is stored."""
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
    """A file's name as text that a database accepts: the system allows any bytes."""
    return os.fsencode(name).decode(errors="replace")
