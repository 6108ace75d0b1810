"""Judges A/A comparisons: which differences they claim although there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean, median

from harness.analyse.compare import Speedup
from harness.domain.cell import Cell
from harness.domain.metric import Estimate
from harness.domain.selfcheck import SelfCheck

POWER = 0.95  # the probability with which the smallest change is detected


@dataclass(frozen=True)
class Comparison:
    """One comparison of a cell with itself: the ratio, both sides, and their rounds' figures."""

    ratio: Speedup
    sides: tuple[Estimate, Estimate]
    values: tuple[float, ...]


def judged(cell: Cell, metric: str, trials: Sequence[Comparison], when: datetime) -> SelfCheck:
    """The self-check that at least one trial gives."""
    truth = median(value for trial in trials for value in trial.values)
    sides = [side for trial in trials for side in trial.sides]
    return SelfCheck(
        cell=cell,
        metric=metric,
        trials=len(trials),
        rounds=fmean(side.rounds for side in sides),
        false_alarms=fmean(trial.ratio.differs for trial in trials),
        noise_floor=math.expm1(
            quantile([abs(math.log(trial.ratio.estimate.value)) for trial in trials], 0.95)
        ),
        smallest_change=math.expm1(quantile(_margins(trials), POWER)),
        coverage=fmean(_covers(side, truth) for side in sides),
        when=when,
    )


def _margins(trials: Sequence[Comparison]) -> list[float]:
    """The least true change, as a logarithm, that each trial would detect: a rise and a fall.

    A true change d with the same noise moves the ratio's interval by d. The interval then
    excludes 1 if d is larger than the interval's reach beyond 1 on the opposite side. A trial
    without an interval detects nothing.
    """
    margins: list[float] = []
    for trial in trials:
        low, high = trial.ratio.estimate.low, trial.ratio.estimate.high
        if low is None or high is None or low <= 0:
            margins += [math.inf, math.inf]
        else:
            margins += [-math.log(low), math.log(high)]
    return margins


def quantile(values: Sequence[float], share: float) -> float:
    """The least value that at least that share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _covers(side: Estimate, truth: float) -> bool:
    return side.low is not None and side.high is not None and side.low <= truth <= side.high
