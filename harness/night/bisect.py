"""`harness bisect`: finds the commit that changed a cell, by pairs of rounds with the good one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from harness import pipeline
from harness.analyse.bisection import Bisection, Place, place
from harness.dispatch.pairs import Comparison, Judge, by_evidence
from harness.dispatch.run import Prepared
from harness.domain.night import Confirmation, Kind, Night, NightState, Pair, Role, Verdict
from harness.domain.run import Commit
from harness.errors import BuildError, UsageError, listed
from harness.host.machine import this_host
from harness.night.beginning import begun
from harness.night.lock import locked
from harness.night.measuring import PairWatcher, compare, sides
from harness.night.nightly import deadline, speed_only
from harness.night.subjects import Subject, recalled, specs_of, subject_of
from harness.plan.plan import Action, Planned
from harness.store import Store
from harness.subject.builds import Build

_VERDICTS = {
    Place.BAD: Verdict.CONFIRMED,
    Place.GOOD: Verdict.REJECTED,
    Place.UNKNOWN: Verdict.INCONCLUSIVE,
}


class BisectWatcher(PairWatcher, Protocol):
    """Follows a bisection."""

    def judged(self, commit: Commit, place: Place, reason: str, steps_left: int) -> None:
        """A commit lies on this side of the change."""


@dataclass(frozen=True)
class BisectOutcome:
    """What a bisection found."""

    whole: Confirmation  # the bad commit against the good one
    suspects: tuple[Commit, ...] = ()  # one of them is the culprit
    verified: Confirmation | None = None  # the culprit against the commit before it

    @property
    def culprit(self) -> Commit | None:
        """The commit that changed the level, if it is known and verified."""
        sure = self.verified is not None and self.verified.verdict is Verdict.CONFIRMED
        return self.suspects[0] if sure and len(self.suspects) == 1 else None


def bisect(
    request: pipeline.Request,
    cell: str,
    good: str,
    bad: str,
    watcher: BisectWatcher,
) -> BisectOutcome:
    """Finds the commit between the two that changed the cell. What was measured is kept.

    Raises UsageError if the range has no commits, or the specs no such cell.
    """
    request = recalled(request, cell)
    specs = specs_of(request)
    subject = subject_of(request, specs)
    first, last = subject.source.commit(good), subject.source.commit(bad)
    commits = [first, *subject.source.commits(f"{first.sha}..{last.sha}")]
    if commits[-1].sha != last.sha:
        raise UsageError(f"{good} is no ancestor of {bad}")
    with locked(request.command), Store(request.db) as store:
        watcher.building(first)
        build = subject.build(first)
        prepared = pipeline.prepare(replace(request, build=build, fresh=True, within=None))
        item = _item(prepared, cell)
        head = replace(build, commit=last)
        night = begun(store, Kind.BISECT, request, specs, head, this_host())
        is_over = deadline(request.within)
        work = _Work(store, night, subject, build, prepared, item, watcher, is_over)
        outcome = work.outcome(commits)
        store.finish_night(night, NightState.DONE)
    return outcome


@dataclass
class _Work:
    store: Store
    night: Night
    subject: Subject
    good: Build
    prepared: Prepared
    item: Planned
    watcher: BisectWatcher
    is_over: Callable[[], bool]

    def outcome(self, commits: Sequence[Commit]) -> BisectOutcome:
        whole = self._compared(self.good, self._built(commits[-1]), by_evidence)
        if whole.verdict is not Verdict.CONFIRMED or whole.ratio is None:
            return BisectOutcome(whole)
        search = Bisection(len(commits))
        while (number := search.next()) is not None and not self.is_over():
            search.places[number], reason = self._place(commits[number], whole.ratio)
            found = search.places[number]
            self.watcher.judged(commits[number], found, reason, search.steps_left())
        suspects = tuple(commits[number] for number in search.suspects)
        if len(suspects) > 1 or self.is_over():
            return BisectOutcome(whole, suspects)
        before, culprit = self._built(commits[search.good]), self._built(suspects[0])
        return BisectOutcome(whole, suspects, self._compared(before, culprit, by_evidence))

    def _place(self, commit: Commit, effect: float) -> tuple[Place, str]:
        try:
            build = self._built(commit)
        except BuildError as error:
            return Place.UNKNOWN, str(error)

        def judge(pairs: Sequence[Pair], _: int) -> tuple[Verdict, str] | None:
            found = place(pairs, effect)
            return None if found is None else (_VERDICTS[found], "")

        found = self._compared(self.good, build, judge)
        places = {verdict: one for one, verdict in _VERDICTS.items()}
        return places.get(found.verdict, Place.UNKNOWN), found.reason

    def _compared(self, base: Build, head: Build, judge: Judge) -> Confirmation:
        """Measured now, or by a bisection of the same environment before."""
        if (known := self._known(base.commit, head.commit)) is not None:
            return known
        comparison = Comparison(Role.REQUESTED, self.item, *sides(base, head))
        builds = {base.commit.sha: base, head.commit.sha: head}
        (found,) = compare(
            self.store,
            self.night,
            [comparison],
            builds,
            self.prepared,
            self.watcher,
            self.is_over,
            judge,
        )
        return self.store.save_confirmation(self.night, found)

    def _known(self, base: Commit, head: Commit) -> Confirmation | None:
        return next(
            (
                one
                for night in reversed(self.store.nights())
                if night.kind is Kind.BISECT
                and night.host.fingerprint == self.night.host.fingerprint
                and night.environment.digest == self.night.environment.digest
                for one in night.confirmations
                if one.cell.id == self.item.cell.id
                and (one.base.sha, one.head.sha) == (base.sha, head.sha)
                and one.verdict is not Verdict.FAILED
            ),
            None,
        )

    def _built(self, commit: Commit) -> Build:
        self.watcher.building(commit)
        return self.subject.build(commit)


def _item(prepared: Prepared, text: str) -> Planned:
    """The cell whose id begins with the text."""
    items = prepared.plan.items
    found = [item for item in items if item.cell.id.startswith(text)]
    if len(found) != 1:
        names = [f"{item.cell.id} ({item.cell})" for item in found or items]
        why = "is ambiguous" if found else "is no cell of these specs"
        raise UsageError(f"{text!r} {why}; possible: {listed(names, 10)}")
    (item,) = found
    if item.action is not Action.MEASURE:
        raise UsageError(f"{item.cell} cannot be measured here: {item.reason}")
    return speed_only(item)
