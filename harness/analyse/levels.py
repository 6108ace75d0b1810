"""The level of a series: the values that the next one is compared with.

A series is one metric of one cell on one host in one environment. Its level changes only if pairs
of rounds confirm the change in two nights.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from harness.analyse.changes import steps
from harness.analyse.stats import MAD, logarithm
from harness.domain.night import Confirmation, Kind, Night, NightState, Role, Verdict
from harness.domain.result import Result, Status
from harness.domain.run import Commit, Environment, Host, Run

COVERAGE = 0.98  # the share of next values of an unchanged series that the range contains
RECENT = 30  # the values of a level that predict the next one
LEAST = 0.02  # the range reaches at least this far from the level, as a share of it
# What is known about the noise before anything was measured: a standard deviation of 2 %, worth
# as much as this many degrees of freedom.
NOISE = 0.02
_PRIOR = 4
_MIDDLE_80 = 2.563  # the range of the middle 80 % of a normal distribution, in deviations


@dataclass(frozen=True)
class Prediction:
    """Where the next value of an unchanged series is expected."""

    level: float  # the median
    low: float
    high: float
    points: int  # values that it is predicted from

    def contains(self, value: float) -> bool:
        """True if the value is no surprise."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Measured:
    """A value of a series, from one run."""

    value: float
    commit: Commit
    when: datetime  # the run's start
    night: int | None = None  # the key of the night that it belongs to; None for a plain run
    void: bool = False  # the night is void


@dataclass(frozen=True)
class Level:
    """The accepted level of a series."""

    values: tuple[float, ...]  # at least one, in the order in which they were measured
    base: Commit  # the commit of the last one: what a new commit is compared with
    pending: Confirmation | None = None  # a change that a second night has not confirmed yet


def predicted(values: Sequence[float]) -> Prediction:
    """The range of the next value, from at least one positive value; the last RECENT count.

    On logarithms it is the median +- t sigma sqrt(1 + 1/n), where t is Student's quantile. sigma
    pools the spread s of the values with the prior by their degrees of freedom:
    sigma^2 = (d0 s0^2 + (n - 1) s^2) / (d0 + n - 1). So a single value has a range already.

    Raises ValueError if a value has no logarithm.
    """
    from scipy.special import stdtrit

    logs = sorted(logarithm(one) for one in values[-RECENT:])
    count = len(logs)
    middle = median(logs)
    freedom = _PRIOR + count - 1
    sigma = math.sqrt((_PRIOR * NOISE**2 + (count - 1) * _spread(logs, middle) ** 2) / freedom)
    quantile = float(stdtrit(freedom, (1 + COVERAGE) / 2))
    reach = max(quantile * sigma * math.sqrt(1 + 1 / count), math.log1p(LEAST))
    level = math.exp(middle)
    return Prediction(level, level * math.exp(-reach), level * math.exp(reach), count)


def _spread(ordered: Sequence[float], middle: float) -> float:
    """The standard deviation, robust to spikes.

    It is the larger of two: from the median absolute deviation, and from the range of the middle
    80 %. The former ignores a second mode: if one night in six is slow, it takes the quick ones
    for all.
    """
    deviation = MAD * median(abs(one - middle) for one in ordered)
    cut = round(0.1 * (len(ordered) - 1))
    return max(deviation, (ordered[-1 - cut] - ordered[cut]) / _MIDDLE_80) if cut else deviation


def level(points: Sequence[Measured], confirmations: Mapping[int, Confirmation]) -> Level:
    """The level after these points, at least one, in the order in which they were measured.

    `confirmations` are what nights found about those of the values that were suspects, by night.

    - CONFIRMED by two nights in the same direction: the level begins anew with the value of the
      first of the two. In between the change is pending, for improvements too.
    - REJECTED: the value is noise and belongs to the level.
    - INCONCLUSIVE or FAILED: the value does not.
    - Never a suspect: the value belongs to the level if it is in the range. On a night it then
      drops a pending change: the value has returned.
    - A void night drops and confirms nothing. Its values belong to the level if in the range.
    """
    start = next((at for at, one in enumerate(points) if one.night is not None), len(points))
    first = max(start, 1)  # before the first value there is no range
    found = _Levels(points[:first])
    for one in points[first:]:
        found.add(one, None if one.night is None else confirmations.get(one.night))
    return found.level()


def agreed(tonight: Confirmation, found: Level) -> bool:
    """True if an earlier night confirmed a change in the same direction: it is the new level."""
    return (
        tonight.verdict is Verdict.CONFIRMED
        and found.pending is not None
        and _same_direction(tonight, found.pending)
    )


def levels(
    results: Sequence[Result],
    nights: Sequence[Night],
    host: Host,
    environment: Environment,
    before: datetime,
) -> Mapping[tuple[str, str], Level]:
    """The level of each series of the host and environment, by the cell's id and the metric.

    Only what began before that instant counts. Left out are runs of uncommitted changes or without
    a commit, because they cannot be measured again, and series with a value that has no logarithm.
    """
    there = (host.fingerprint, environment.digest)
    known = [
        one
        for one in nights
        if one.kind is Kind.NIGHTLY and one.started < before and there == _place(one)
    ]
    kept = [
        one
        for one in results
        if one.run.started < before and there == _place(one.run) and _counts(one)
    ]
    found = _suspects(known)
    return {
        key: level(points, found.get(key, {}))
        for key, points in _all_measured(kept, known).items()
        if all(math.isfinite(one.value) and one.value > 0 for one in points)
    }


class _Levels:
    """The level while points are added."""

    def __init__(self, before: Sequence[Measured]) -> None:
        """Begin with the values from before the first night, which no night has tested.

        If they show changes, the level is the one before the last of them: the first night shall
        prove or reject it.
        """
        answer = steps([one.value for one in before])
        cuts = [0, *(one.index for one in answer.changes)] if answer else [0]
        start, end = (cuts[-2], cuts[-1]) if len(cuts) > 1 else (0, len(before))
        self._points = list(before[start:end])
        self._untested = list(before[end:])
        self._pending: Confirmation | None = None
        self._since: int | None = None  # the night that found the pending change
        self._waiting: list[Measured] = []  # the level's values if it is accepted

    def level(self) -> Level:
        values = tuple(one.value for one in self._points)
        return Level(values, self._points[-1].commit, self._pending)

    def add(self, point: Measured, found: Confirmation | None) -> None:
        if point.void:
            if self._expected().contains(point.value):
                self._points.append(point)
        elif found is None:
            self._add_untested(point)
        elif found.verdict is Verdict.CONFIRMED:
            self._add_confirmed(point, found)
        elif found.verdict is Verdict.REJECTED:
            # The machine changed, not the code: the values since then are the level.
            self._points = [*(self._untested or self._points), point]
            self._drop()
        else:
            self._wait(point)

    def _add_untested(self, point: Measured) -> None:
        if not self._expected().contains(point.value):
            self._wait(point)
            return
        self._points.append(point)
        if point.night is not None:  # the night saw no change
            self._drop()

    def _add_confirmed(self, point: Measured, found: Confirmation) -> None:
        is_second = point.night != self._since and agreed(found, self.level())
        if found.accepted or is_second:
            self._points = [*self._waiting, point]
            self._drop()
        elif self._pending is None or not _same_direction(found, self._pending):
            self._pending, self._since = found, point.night
            self._waiting = [*self._untested, point]
        else:  # the same night measured it twice
            self._waiting.append(point)

    def _wait(self, point: Measured) -> None:
        """Keep a value that belongs to the pending change, if it is on that side of the level."""
        if self._pending is None or self._pending.ratio is None:
            return
        if (point.value > self._expected().level) == (self._pending.ratio > 1):
            self._waiting.append(point)

    def _drop(self) -> None:
        self._pending, self._since, self._waiting = None, None, []
        self._untested = []

    def _expected(self) -> Prediction:
        return predicted([one.value for one in self._points[-RECENT:]])


def _all_measured(
    results: Sequence[Result], nights: Sequence[Night]
) -> Mapping[tuple[str, str], list[Measured]]:
    """Each series in order; nights by their index.

    Nights are in the order in which they measured. Other runs are in the order of their commits,
    because old ones may be measured late.
    """

    def place(one: Result) -> tuple[datetime, datetime]:
        run = one.run
        is_of_night = _night_of(run.started, nights) is not None
        return (run.started if is_of_night else run.commit.date or run.started, run.started)

    series: dict[tuple[str, str], list[Measured]] = {}
    for one in sorted(results, key=place):
        at = _night_of(one.run.started, nights)
        # A night that was cut short has no verdict on its controls either.
        void = at is not None and nights[at].state is not NightState.DONE
        for metric, estimate in one.metrics.items():
            point = Measured(estimate.value, one.run.commit, one.run.started, at, void)
            series.setdefault((one.cell.id, metric), []).append(point)
    return series


def _suspects(nights: Sequence[Night]) -> Mapping[tuple[str, str], Mapping[int, Confirmation]]:
    """What nights found about suspicious values: by series, then by the night's index."""
    found: dict[tuple[str, str], dict[int, Confirmation]] = {}
    for at, night in enumerate(nights):
        for one in night.confirmations:
            if one.role is Role.SUSPECT:
                found.setdefault((one.cell.id, one.metric), {})[at] = one
    return found


def _night_of(when: datetime, nights: Sequence[Night]) -> int | None:
    """The index of the night during which it happened: the last that began before, if it lasted."""
    at = bisect_right(nights, when, key=lambda one: one.started) - 1
    if at < 0:
        return None
    finished = nights[at].finished
    return None if finished is not None and when > finished else at


def _counts(one: Result) -> bool:
    run = one.run
    is_history = one.status is Status.OK and run.night is None
    return is_history and bool(run.commit.sha) and not run.commit.dirty


def _place(one: Run | Night) -> tuple[str, str]:
    return one.host.fingerprint, one.environment.digest


def _same_direction(one: Confirmation, other: Confirmation) -> bool:
    if one.ratio is None or other.ratio is None:
        return False
    return (one.ratio > 1) == (other.ratio > 1)
