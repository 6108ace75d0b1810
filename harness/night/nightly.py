"""`harness nightly`: measures the newest commit, and proves what changed in the same night."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from harness import pipeline, scenarios
from harness.analyse.confirm import SLOWED_BY, hold, void_reason
from harness.analyse.levels import Level, Prediction, agreed, levels, predicted
from harness.dispatch.pairs import Comparison
from harness.dispatch.run import Prepared
from harness.domain.cell import Cell
from harness.domain.metric import Estimate
from harness.domain.night import Confirmation, Kind, Night, NightState, Role, Verdict
from harness.domain.result import Result, Status
from harness.domain.run import Commit
from harness.errors import BuildError, UsageError
from harness.host.machine import this_host
from harness.night.beginning import begun
from harness.night.lock import locked
from harness.night.measuring import PairWatcher, compare, sides
from harness.night.subjects import Subject, specs_of, subject_of
from harness.night.unbuilt import record, stand_in
from harness.plan.plan import Planned
from harness.spec.load import Spec
from harness.store import Store
from harness.subject.builds import Build

# The share of a budget for measuring the newest commit; the rest is for pairs.
_FIRST_SHARE = 0.6
# Bases that are compared in one night: each keeps a process with torch.
_MOST_BASES = 3


class NightWatcher(PairWatcher, pipeline.Watcher, Protocol):
    """Follows the progress of a night."""

    def continued(self, night: Night) -> None:
        """The night goes on after its process was killed."""

    def suspicious(self, found: Sequence[Suspect]) -> None:
        """The newest commit is measured; these values left the range of their history."""


@dataclass(frozen=True)
class Suspect:
    """A value that left the range that its history predicts."""

    item: Planned
    metric: str
    estimate: Estimate
    prediction: Prediction
    level: Level


@dataclass(frozen=True)
class NightOutcome:
    """A night that is over."""

    night: Night
    statuses: Mapping[str, Status]  # of the newest commit's cells, by id
    judged: int  # series with a history
    cells: tuple[Cell, ...]  # all that the night's specs ask for; none if nothing was measured

    @property
    def failed(self) -> int:
        """How many cells went wrong."""
        return sum(status.went_wrong for status in self.statuses.values())

    @property
    def regressions(self) -> list[Confirmation]:
        """The confirmed changes for the worse."""
        return [one for one in self.confirmed if one.is_worse]

    @property
    def confirmed(self) -> list[Confirmation]:
        """All confirmed changes; none in a void night."""
        if self.night.state is NightState.VOID:
            return []
        return [
            one
            for one in self.night.confirmations
            if one.role is Role.SUSPECT and one.verdict is Verdict.CONFIRMED
        ]

    def counts(self) -> Mapping[Status, int]:
        """Cells by status."""
        return Counter(self.statuses.values())


def nightly(request: pipeline.Request, watcher: NightWatcher) -> NightOutcome:
    """Runs a night. Killed at any instant, it goes on when it is called again."""
    is_over = deadline(request.within)
    specs = specs_of(request)
    subject = subject_of(request, specs)
    with locked(request.command):
        head = subject.source.commit("HEAD")
        watcher.building(head)
        try:
            build = subject.build(head)
        except BuildError as error:
            return _unbuilt(request, specs, stand_in(subject, head), error)
        with Store(request.db) as store:
            night = begun(store, Kind.NIGHTLY, request, specs, build, this_host())
            if night.pid_started > night.started.timestamp():  # this process began after the night
                watcher.continued(night)
            return _measured(store, night, request, subject, build, watcher, is_over)


def _measured(
    store: Store,
    night: Night,
    request: pipeline.Request,
    subject: Subject,
    build: Build,
    watcher: NightWatcher,
    is_over: Callable[[], bool],
) -> NightOutcome:
    within = _FIRST_SHARE * request.within if request.within else None
    ask = replace(request, build=build, since=night.started, within=within)
    outcome = pipeline.run(ask, watcher)
    prepared = pipeline.prepare(replace(ask, within=None))
    results = store.results(newest_only=False)
    known = levels(results, store.nights(), night.host, night.environment, night.started)
    suspects, judged = _suspects(prepared, _of_night(results, night), known)
    watcher.suspicious(suspects)
    found = _proved(store, night, subject, build, prepared, suspects, watcher, is_over)
    reason = void_reason(found)
    state = NightState.VOID if reason else NightState.DONE
    for one in found:
        store.save_confirmation(night, one)
    store.finish_night(night, state, reason)
    night = replace(night, state=state, reason=reason, confirmations=tuple(found))
    cells = tuple(item.cell for item in prepared.plan.items)
    return NightOutcome(night, outcome.statuses, judged, cells)


def _unbuilt(
    request: pipeline.Request, specs: Sequence[Spec], build: Build, error: BuildError
) -> NightOutcome:
    """The night of a commit that cannot be installed."""
    with Store(request.db) as store:
        night = begun(store, Kind.NIGHTLY, request, specs, build, this_host())
        statuses = record(replace(request, since=night.started), build, error)
        store.finish_night(night, NightState.DONE, str(error))
    done = replace(night, state=NightState.DONE, reason=str(error))
    return NightOutcome(done, statuses, judged=0, cells=())


def deadline(within: float | None) -> Callable[[], bool]:
    """A function that says whether as many seconds have passed since now; never if None."""
    if within is None:
        return lambda: False
    begin = time.monotonic()
    return lambda: time.monotonic() - begin > within


def _of_night(results: Sequence[Result], night: Night) -> dict[str, Result]:
    """The night's own results, by cell."""
    return {
        one.cell.id: one
        for one in reversed(results)
        if one.run.started >= night.started and one.run.commit.sha == night.head.sha
    }


def _suspects(
    prepared: Prepared, tonight: Mapping[str, Result], known: Mapping[tuple[str, str], Level]
) -> tuple[list[Suspect], int]:
    """The suspicious values, and how many values had a history."""
    found, judged = [], 0
    for item in prepared.plan.items:
        result = tonight.get(item.cell.id)
        metric = scenarios.registry[item.cell.scenario.name].headline
        level = known.get((item.cell.id, metric))
        if result is None or level is None or metric not in result.metrics:
            continue
        judged += 1
        estimate, prediction = result.metrics[metric], predicted(level.values)
        if not prediction.contains(estimate.value):
            found.append(Suspect(item, metric, estimate, prediction, level))
    return found, judged


def _proved(
    store: Store,
    night: Night,
    subject: Subject,
    head: Build,
    prepared: Prepared,
    suspects: Sequence[Suspect],
    watcher: NightWatcher,
    is_over: Callable[[], bool],
) -> list[Confirmation]:
    """What pairs of rounds show about the suspects and the controls."""
    builds = {head.commit.sha: head}
    settled: list[Confirmation] = []
    comparisons: list[Comparison] = []
    by_comparison: dict[str, Suspect] = {}
    for suspect in suspects:
        base = suspect.level.base
        if base.sha == night.head.sha:
            reason = "the commit is the one before: its code did not change"
            settled.append(_settled(suspect, night.head, Verdict.REJECTED, reason))
            continue
        if base.sha not in builds:
            if len(builds) > _MOST_BASES:
                reason = f"more than {_MOST_BASES} bases: left for another night"
                settled.append(_settled(suspect, night.head, Verdict.INCONCLUSIVE, reason))
                continue
            try:
                watcher.building(base)
                builds[base.sha] = subject.build(subject.source.commit(base.sha))
            except (BuildError, UsageError) as error:
                reason = f"its base cannot be measured: {error}"
                settled.append(_settled(suspect, night.head, Verdict.FAILED, reason))
                continue
        item = speed_only(suspect.item)
        comparisons.append(Comparison(Role.SUSPECT, item, *sides(builds[base.sha], head)))
        by_comparison[suspect.item.cell.id] = suspect
    measured = [item for item in prepared.plan.items if item.status is Status.OK]
    comparisons += controls(comparisons, measured, head, night.id or 0)
    if not comparisons:
        return settled
    found = hold(list(compare(store, night, comparisons, builds, prepared, watcher, is_over)))
    return [
        *settled,
        *(
            _with_suspicion(one, by_comparison[one.cell.id]) if one.role is Role.SUSPECT else one
            for one in found
        ),
    ]


def controls(
    comparisons: Sequence[Comparison], measured: Sequence[Planned], head: Build, seed: int
) -> list[Comparison]:
    """The head against itself, and against itself slowed by a known share.

    They use a cell that is compared or, if there is none, one of those measured.
    """
    cells = [one.item for one in comparisons] or list(measured)
    if not cells:
        return []
    item = speed_only(random.Random(seed).choice(cells))  # noqa: S311 - no secret
    return [
        Comparison(Role.SAME, item, *sides(head, head)),
        Comparison(Role.SLOWED, item, *sides(head, head, SLOWED_BY)),
    ]


def speed_only(item: Planned) -> Planned:
    """The cell without its quality, which rounds of pairs need not measure again."""
    return replace(item, measure=item.measure.model_copy(update={"quality": False}))


def _with_suspicion(one: Confirmation, suspect: Suspect) -> Confirmation:
    return replace(
        one,
        value=suspect.estimate.value,
        predicted_low=suspect.prediction.low,
        predicted_high=suspect.prediction.high,
        accepted=agreed(one, suspect.level),
    )


def _settled(suspect: Suspect, head: Commit, verdict: Verdict, reason: str) -> Confirmation:
    """A suspect that is not measured again."""
    bare = Confirmation(
        role=Role.SUSPECT,
        cell=suspect.item.cell,
        metric=suspect.metric,
        unit=suspect.estimate.unit,
        direction=suspect.estimate.direction,
        base=suspect.level.base,
        head=head,
        verdict=verdict,
        reason=reason,
    )
    return _with_suspicion(bare, suspect)
