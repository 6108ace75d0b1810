"""The whole story on one screen: specs in, results stored, a site out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from harness.analyse.selfcheck import judged
from harness.dispatch import artifacts, ceilings
from harness.dispatch.artifacts import Artifacts
from harness.dispatch.budget import Budget
from harness.dispatch.campaign import Campaign, CellDone, Event
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
from harness.domain.ceiling import Ceiling
from harness.domain.cell import Choice
from harness.domain.location import Location
from harness.domain.result import Status, StopRule
from harness.domain.run import Asked, Run
from harness.domain.selfcheck import SelfCheck
from harness.errors import TrainingError, Unsupported, UsageError
from harness.host.machine import this_host
from harness.plan.expectations import (
    Judgement,
)
from harness.plan.plan import Action, Planned, make_plan
from harness.process import identity, is_alive
from harness.scenarios import registry as scenarios
from harness.site.build import build
from harness.spec.load import Spec, load
from harness.store import Store, StoreReader, files
from harness.stored import all_ceilings, decisions, judged_here, nights, results, selfchecks
from harness.subject.builds import Build
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
    since: datetime | None = None  # results of runs that began earlier do not count as measured
    retry_failed: bool = False
    repo: Path | None = None  # the results carry its commit; by default the specs' subject's
    build: Build | None = None  # measure this build of the subject, not the code at hand
    site: Path | None = None  # where the site goes; its files are not part of the subject
    command: str = ""
    db_is_default: bool = True
    within: float | None = None  # a budget for the whole run, in seconds


@dataclass(frozen=True)
class Outcome:
    """The status of each planned cell after a run, and what the specs expected."""

    statuses: Mapping[str, Status]
    # What the run's budget left open: the ends of cells without a round, or with too few.
    unfinished: tuple[CellDone, ...] = ()
    # What the specs expect of this commit's results on this host.
    judged: Judgement = field(default_factory=Judgement)

    @property
    def failed(self) -> int:
        """How many cells went wrong, now or in the earlier run whose result was reused."""
        return sum(status.went_wrong for status in self.statuses.values())

    def counts(self) -> Mapping[Status, int]:
        """Cells by status."""
        return Counter(self.statuses.values())


def prepare(request: Request, budget: Budget | None = None) -> Prepared:
    """Read the specs and decide what to do with each cell, and why.

    `budget` is that of the run that has begun. Without it the request's own begins now.
    """
    if budget is None and request.within is not None:
        budget = Budget.from_now(request.within)
    specs = tuple(load(request.paths, request.overrides, request.only))
    host = this_host()
    ignored = [*files(request.db), *(Path(one.file) for one in specs)]
    ignored += [request.site] if request.site else []
    if request.build is not None:
        commit, environment = request.build.commit, request.build.environment
    else:
        commit, environment = subject(repository(request, specs), ignored, factory_modules(specs))
    with StoreReader(request.db) as stored:  # planning creates no database
        known = stored.known(commit, host, environment, alive=is_alive, since=request.since)
        durations = stored.durations(host)
        latest = stored.latest(host) if budget else {}
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
        budget,
        latest,
    )


def run(request: Request, watcher: Watcher) -> Outcome:
    """Measure what the plan says and store each round as it ends.

    It may be stopped at any moment: stored rounds stay, and the next run continues from there.
    With a budget it stops by itself, and says what it left open.
    """
    budget = None if request.within is None else Budget.from_now(request.within)
    unfinished = []
    models = Artifacts()
    begun = RoundStarts(watcher)
    builds = {"": request.build} if request.build else None
    # The dispatcher's process imports torch from now on.
    with LocalDispatcher(models.located, begun, builds) as dispatcher:
        prepared = prepare(request, budget)
        first, last = ceilings.around(prepared.ceilings, budget)
        artifacts.require_cache(prepared.plan.of(Action.MEASURE))
        begun.items = {item.cell.id: item for item in prepared.plan.of(Action.MEASURE)}
        statuses = {item.cell.id: item.status for item in prepared.plan.items if item.status}
        with Store(request.db) as store:
            this_run = store.begin(run_of(prepared, request.command))
            watcher.begin(prepared)
            try:
                record_skips(store, this_run, prepared.plan)
                known = ceilings.by_hardware(
                    store,
                    prepared.plan,
                    prepared.host,
                    this_environment(),
                    first,
                    watcher.ceiling,
                )
                if budget:
                    dispatcher.await_import(budget.left)
                with models:
                    for end in measure_cells(
                        store, this_run, dispatcher, prepared, known, models, watcher
                    ):
                        statuses[end.item.cell.id] = end.status
                        if not end.status.final or end.stop_rule is StopRule.BUDGET:
                            unfinished.append(end)
                if budget and last:
                    ceilings.measure_last(
                        store, prepared.host, this_environment(), last, watcher.ceiling, budget
                    )
            finally:
                watcher.end()
                store.finish(this_run)
    return Outcome(statuses, tuple(unfinished), judged_here(request.db, prepared))


def factory_modules(specs: Iterable[Spec]) -> frozenset[str]:
    """The top-level modules of the cells' model factories."""
    names = {cell.factory for one in specs for cell in one.cells if cell.factory}
    return frozenset(name.partition(":")[0].partition(".")[0] for name in names)


def repository(request: Request, specs: Sequence[Spec]) -> Path | None:
    """The repository whose commit is measured; None is the harness's own.

    Raises UsageError if the specs name different ones: a run has one commit.
    """
    if request.repo is not None:
        return request.repo
    named = {one.subject.repo if one.subject else None for one in specs}
    if len(named) > 1:
        raise UsageError(
            "the specs follow different repositories, and a run measures one commit: run them "
            "one by one"
        )
    return next(iter(named), None)


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
        trained = trained_files(prepared.plan.items, prepared, models, lambda _: None)

        def steps(item: Planned, index: int) -> Steps:
            return models.steps(item, job_of(item, index, trained.files), lambda _: None)

        def measured_here(campaign: Campaign) -> Iterator[Event]:
            return drive(campaign, dispatcher, steps, lambda item: bounds_of(item, prepared.host))

        for item in prepared.plan.items:
            if item.action is Action.SKIP:
                raise Unsupported(f"{item.cell}: {item.reason}")
            if reason := trained.failures.get(item.cell.model):
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
    return build(stored, out, selfchecks(db), all_ceilings(db), nights(db), decisions(db))


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


def run_of(prepared: Prepared, command: str) -> Run:
    """The run that begins now, as it is stored."""
    pid, started = identity()
    return Run(
        commit=prepared.commit,
        host=prepared.host,
        environment=prepared.environment,
        started=datetime.now(UTC),
        seed=prepared.specs[0].measure.seed,
        specs=asked(prepared.specs),
        command=readable(command),
        pid=pid,
        pid_started=started,
    )


def asked(specs: Iterable[Spec]) -> Mapping[str, Asked]:
    """What the specs ask, by file, as it is stored."""
    return {readable(one.file): Asked(one.name, one.question, one.digest) for one in specs}


def readable(name: str) -> str:
    """A file's name as text that a database accepts: the system allows any bytes."""
    return os.fsencode(name).decode(errors="replace")
