"""The self-check's figures from many A/A comparisons."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from harness.analyse.compare import Speedup
from harness.analyse.selfcheck import Comparison, judged, quantile
from harness.domain.cell import Cell
from harness.domain.metric import Direction, Estimate
from harness.domain.selfcheck import SelfCheck

WHEN = datetime(2026, 1, 5, tzinfo=UTC)


def trial(value: float, half: float | None, side: tuple[float, float] = (0.9, 1.1)) -> Comparison:
    """A comparison whose ratio is known to a factor of e^half, with both sides around 1."""
    low = None if half is None else value * math.exp(-half)
    high = None if half is None else value * math.exp(half)
    ratio = Speedup(Estimate(value, low, high, "1", Direction.HIGHER, 6, 60), paired=True)
    one = Estimate(1.0, *side, "s", Direction.LOWER, 6, 60)
    return Comparison(ratio, (one, one), (1.0,) * 12)


@pytest.fixture
def judge(make_cell: Callable[..., Cell]) -> Callable[..., SelfCheck]:
    """Judges trials of a cell."""
    return lambda *trials: judged(make_cell(), "latency", trials, WHEN)


Judge = Callable[..., SelfCheck]


def test_an_interval_without_one_is_a_false_alarm(judge: Judge) -> None:
    check = judge(*[trial(1.0, 0.01)] * 3, trial(1.05, 0.01))
    assert (check.trials, check.false_alarms) == (4, 0.25)


def test_most_ratios_stay_below_the_noise_floor(judge: Judge) -> None:
    """In either direction."""
    check = judge(*[trial(1.0, 0.1)] * 10, *[trial(1 / 1.02, 0.1)] * 9, trial(1.5, 0.6))
    assert check.noise_floor == pytest.approx(0.02)


def test_the_smallest_change_is_the_least_that_intervals_detect(judge: Judge) -> None:
    """Centred intervals of ±3% detect a rise or fall of more than 3% in every trial."""
    check = judge(*[trial(1.0, math.log(1.03))] * 20)
    assert check.smallest_change == pytest.approx(0.03)


def test_a_trial_without_an_interval_detects_no_change(judge: Judge) -> None:
    assert judge(trial(1.0, None)).smallest_change == math.inf


def test_coverage_counts_both_sides_of_each_trial(judge: Judge) -> None:
    """Whether each contains the median of all rounds, which is 1."""
    check = judge(*[trial(1.0, 0.1)] * 3, trial(1.0, 0.1, side=(1.01, 1.2)))
    assert check.coverage == 0.75


@pytest.mark.parametrize(("share", "value"), [(0.95, 19), (1.0, 20), (0.05, 1), (0.0, 1)])
def test_a_quantile_is_one_of_the_values(share: float, value: float) -> None:
    assert quantile(list(range(20, 0, -1)), share) == value
