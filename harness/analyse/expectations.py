"""Judges what specs expect of results, and proposes bounds from a history."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from harness.analyse.changes import steps
from harness.analyse.stats import MAD
from harness.domain.cell import Cell
from harness.domain.expectation import Expectation, Judged, Verdict
from harness.domain.metric import Direction, Estimate
from harness.domain.result import Result, Status
from harness.domain.run import Host

FEWEST = 5  # values for a proposed bound
# The level of Student's quantile. With the median absolute deviation of few values, the range then
# contains the next value of normal noise in some 95% (5 values) to 98% (20 values) of cases.
_QUANTILE = 0.995


def judged(
    expectations: Iterable[Expectation],
    cells: Collection[Cell],
    results: Iterable[Result],
    hosts: Sequence[Host],
) -> list[Judged]:
    """Each expectation of each of its cells, on each host that it applies to.

    Of several results of a cell on a host, the first counts.
    """
    found: dict[tuple[str, str], Result] = {}
    for one in results:
        found.setdefault((one.cell.id, one.run.host.fingerprint), one)
    return [
        _judged(expectation, cell, host, found.get((cell.id, host.fingerprint)))
        for expectation in expectations
        for host in hosts
        if expectation.applies_to(host)
        for cell in cells
        if cell.id in expectation.cells
    ]


def _judged(expectation: Expectation, cell: Cell, host: Host, result: Result | None) -> Judged:
    verdict, reason = _claim(expectation, result)
    if expectation.xfail:
        verdict, reason = _expected_to_fail(verdict, reason, expectation.xfail)
    return Judged(expectation, cell, host, verdict, reason, result)


def _expected_to_fail(verdict: Verdict, reason: str, why: str) -> tuple[Verdict, str]:
    if verdict is Verdict.MET:
        return Verdict.XPASS, f"expected to fail: {why}"
    if verdict.fails:
        return Verdict.XFAIL, f"{reason}; expected to fail: {why}"
    return verdict, reason


def _claim(expectation: Expectation, result: Result | None) -> tuple[Verdict, str]:
    """Whether the claim holds, and why it does not, before `xfail` is considered."""
    missing = Verdict.MISSING if expectation.required else Verdict.UNCLEAR
    if result is None:
        return missing, "no result"
    if not result.status.final:
        return missing, "rounds are missing"
    how = result.reason or f"the status is {result.status}"
    if expectation.statuses:
        met = result.status in expectation.statuses
        return (Verdict.MET, "") if met else (Verdict.MISSED, how)
    if result.status.went_wrong:
        return Verdict.MISSED, how
    if result.status is not Status.OK:
        return missing, how
    if not expectation.metric:
        return Verdict.MET, ""
    estimate = result.metrics.get(expectation.metric)
    if estimate is None:
        why = result.not_measured.get(expectation.metric, "")
        return missing, why or f"the result has no {expectation.metric}"
    return _within(estimate, expectation)


def _within(estimate: Estimate, expectation: Expectation) -> tuple[Verdict, str]:
    """The verdict comes from the whole interval: the point alone may lie beyond a bound by luck."""
    if estimate.low is None or estimate.high is None:
        rounds = f"{estimate.rounds} round{'' if estimate.rounds == 1 else 's'}"
        return Verdict.UNCLEAR, f"cannot tell: {rounds} give no interval"
    low, high = expectation.low, expectation.high
    if low and estimate.high < low.value:
        return Verdict.MISSED, "the whole interval is below the bound"
    if high and estimate.low > high.value:
        return Verdict.MISSED, "the whole interval is above the bound"
    if (low and estimate.low < low.value) or (high and estimate.high > high.value):
        return Verdict.UNCLEAR, "cannot tell: the interval reaches across the bound"
    return Verdict.MET, ""


@dataclass(frozen=True)
class Proposal:
    """The range in which a metric of a cell is expected to stay."""

    metric: str
    runs: int  # results that it rests on
    low: float = math.nan
    high: float = math.nan
    direction: Direction = Direction.LOWER
    reason: str = ""  # why there is no range; "" if there is one


def proposal(results: Iterable[Result], metric: str) -> Proposal:
    """A range for a metric from results of one cell on one host.

    It comes from the results since the last change of environment and of level, and includes the
    interval of the newest result.
    """
    measured = [one for one in results if one.status is Status.OK and metric in one.metrics]
    if not measured:
        return Proposal(metric, 0, reason="no result")
    ordered = sorted(measured, key=_age)
    newest = ordered[-1]
    environment = newest.run.environment.digest
    same = [one for one in ordered if one.run.environment.digest == environment]
    values = [one.metrics[metric].value for one in same]
    found = steps(values)
    level = values[found.changes[-1].index :] if found and found.changes else values
    if len(level) < FEWEST:
        return Proposal(metric, len(level), reason=_too_few(level, values, measured))
    estimate = newest.metrics[metric]
    if estimate.low is None or estimate.high is None:
        return Proposal(metric, len(level), reason="the newest result has no interval")
    low, high = prediction_range(level)
    low, high = min(low, estimate.low), max(high, estimate.high)
    return Proposal(metric, len(level), low, high, estimate.direction)


def _age(one: Result) -> tuple[float, float]:
    """Sorts by the commit's date, then by the run's start."""
    return (one.run.commit.date or one.run.started).timestamp(), one.run.started.timestamp()


def _too_few(level: Sequence[float], values: Sequence[float], measured: Sequence[Result]) -> str:
    count = f"{len(level)} result{'' if len(level) == 1 else 's'}"
    since = ""
    if len(level) < len(values):
        since = " since the level changed"
    elif len(values) < len(measured):
        since = " in the newest environment"
    return f"{count}{since}: a bound needs {FEWEST}"


def prediction_range(values: Sequence[float]) -> tuple[float, float]:
    """The range in which the next of FEWEST or more values is expected.

    m +- t s sqrt(1 + pi / (2 n)), with the median m, Student's quantile t of n - 1 degrees of
    freedom, and s the median absolute deviation, scaled to a normal distribution's standard
    deviation and by n / (n - 0.8) for few values (Croux and Rousseeuw 1992, Computational
    Statistics 1, 411-428). pi / (2 n) is the median's variance over that of one value. Positive
    values are taken on logarithms.
    """
    positive = min(values) > 0
    scaled = [math.log(one) for one in values] if positive else values
    middle, half = median(scaled), _half_width(scaled)
    if not half:  # exact: logarithms would round a parameter count
        return median(values), median(values)
    if positive:
        return math.exp(middle - half), math.exp(middle + half)
    return middle - half, middle + half


def _half_width(values: Sequence[float]) -> float:
    from scipy.special import stdtrit

    count, middle = len(values), median(values)
    deviation = MAD * median(abs(one - middle) for one in values) * count / (count - 0.8)
    quantile = float(stdtrit(count - 1, _QUANTILE))
    return quantile * deviation * math.sqrt(1 + math.pi / (2 * count))
