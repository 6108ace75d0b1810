"""A metric of one cell on one host over commits, one series per environment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from harness.domain.result import Result, Status
from harness.domain.run import Commit, Environment


@dataclass(frozen=True)
class Point:
    """A metric's value at one commit."""

    commit: Commit
    when: datetime  # the commit's date; the run's start if there is no commit
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Series:
    """A metric over commits in one environment: only the commit differs between its points."""

    environment: Environment
    points: tuple[Point, ...]  # at least one


def all_series(results: Iterable[Result], metric: str) -> list[Series]:
    """One series per environment; the series with the newest point comes last.

    A series has one point per commit, from the newest run; a dirty tree counts as its own commit.
    Points are sorted by the commit's date, then by the run's start. Only results with status OK
    have a point.
    """
    measured = [one for one in results if one.status is Status.OK and metric in one.metrics]
    newest: dict[tuple[str, ...], Result] = {}
    for one in sorted(measured, key=lambda one: one.run.started):
        newest[_subject(one)] = one
    by_environment: dict[str, list[Result]] = {}
    for one in sorted(newest.values(), key=lambda one: (_when(one), one.run.started)):
        digest = one.run.environment.digest
        # Reinserted at the end, so that the environment of the newest point ends up last.
        by_environment[digest] = [*by_environment.pop(digest, []), one]
    return [
        Series(found[0].run.environment, tuple(_point(one, metric) for one in found))
        for found in by_environment.values()
    ]


def changes(before: Environment, after: Environment) -> tuple[str, ...]:
    """What differs, by name: `torch 2.12.0 → 2.13.0`, `triton 3.1.0 added`, `horovod removed`."""
    old, new = before.versions, after.versions
    return tuple(
        _change(name, old.get(name), new.get(name))
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    )


def _change(name: str, old: str | None, new: str | None) -> str:
    if new is None:
        return f"{name} removed"
    return f"{name} {new} added" if old is None else f"{name} {old} → {new}"


def _subject(one: Result) -> tuple[str, ...]:
    run = one.run
    # Outside a repository, only the run's time distinguishes states of the code.
    code = run.commit.sha or run.started.isoformat()
    return (code, run.commit.dirty, run.environment.digest)


def _when(one: Result) -> datetime:
    return one.run.commit.date or one.run.started


def _point(one: Result, metric: str) -> Point:
    estimate = one.metrics[metric]
    return Point(one.run.commit, _when(one), estimate.value, estimate.low, estimate.high)
