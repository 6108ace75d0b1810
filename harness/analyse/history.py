"""A metric of one cell on one host over commits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from harness.domain.result import Result, Status
from harness.domain.run import Commit


@dataclass(frozen=True)
class Point:
    """A metric at a commit."""

    commit: Commit
    when: datetime  # the commit's date; the run's where there is no commit
    value: float
    low: float | None
    high: float | None


def series(results: Iterable[Result], metric: str) -> list[Point]:
    """The metric's points in the order of the commits' dates, then of the runs'.

    One a commit, a dirty tree counting as a commit of its own: of several runs the newest.
    Results that did not end well have no point.
    """
    measured = [one for one in results if one.status is Status.OK and metric in one.metrics]
    newest: dict[tuple[str, str, str], Result] = {}
    for one in sorted(measured, key=lambda one: one.run.started):
        newest[_subject(one)] = one
    ordered = sorted(newest.values(), key=lambda one: (_when(one), one.run.started))
    return [_point(one, metric) for one in ordered]


def _subject(one: Result) -> tuple[str, str, str]:
    commit = one.run.commit
    # Outside a repository nothing tells one state from another but the time of the run.
    return (commit.sha, commit.dirty, "" if commit.sha else one.run.started.isoformat())


def _when(one: Result) -> datetime:
    return one.run.commit.date or one.run.started


def _point(one: Result, metric: str) -> Point:
    estimate = one.metrics[metric]
    return Point(one.run.commit, _when(one), estimate.value, estimate.low, estimate.high)
