"""What A/A comparisons say together."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from harness.analyse.compare import Speedup
from harness.analyse.selfcheck import Trial, judged, quantile
from harness.domain.cell import Cell
from harness.domain.metric import Direction, Estimate
from harness.domain.selfcheck import SelfCheck

WHEN = datetime(2026, 1, 5, tzinfo=UTC)


def trial(value: float, half: float | None, side: tuple[float, float] = (0.9, 1.1)) -> Trial:
    """A ratio known to a factor of e^half, and two sides around 1."""
    low = None if half is None else value * math.exp(-half)
    high = None if half is None else value * math.exp(half)
    ratio = Speedup(Estimate(value, low, high, "1", Direction.HIGHER, 6, 60), paired=True)
    one = Estimate(1.0, *side, "s", Direction.LOWER, 6, 60)
    return Trial(ratio, (one, one), (1.0,) * 12)


@pytest.fixture
def judge(make_cell: Callable[..., Cell]) -> Callable[..., SelfCheck]:
    """Judge trials of some cell."""
    return lambda *told: judged(make_cell(), "latency", told, WHEN)


Judge = Callable[..., SelfCheck]


def test_an_interval_that_leaves_one_out_is_a_false_alarm(judge: Judge) -> None:
    told = judge(*[trial(1.0, 0.01)] * 3, trial(1.05, 0.01))
    assert (told.trials, told.false_alarms) == (4, 0.25)


def test_the_noise_floor_is_what_most_ratios_stay_below(judge: Judge) -> None:
    """Whichever way they go."""
    told = judge(*[trial(1.0, 0.1)] * 10, *[trial(1 / 1.02, 0.1)] * 9, trial(1.5, 0.6))
    assert told.noise_floor == pytest.approx(0.02)


def test_the_smallest_change_is_what_intervals_would_leave_out(judge: Judge) -> None:
    """Centred intervals of ±3%: a rise or fall of more than 3% is told in every trial."""
    told = judge(*[trial(1.0, math.log(1.03))] * 20)
    assert told.smallest_change == pytest.approx(0.03)


def test_a_trial_without_an_interval_would_tell_no_change(judge: Judge) -> None:
    assert judge(trial(1.0, None)).smallest_change == math.inf


def test_coverage_counts_both_sides_of_each_trial(judge: Judge) -> None:
    """Against the median of all rounds, which is 1."""
    told = judge(*[trial(1.0, 0.1)] * 3, trial(1.0, 0.1, side=(1.01, 1.2)))
    assert told.coverage == 0.75


@pytest.mark.parametrize(("share", "value"), [(0.95, 19), (1.0, 20), (0.05, 1), (0.0, 1)])
def test_a_quantile_is_one_of_the_values(share: float, value: float) -> None:
    assert quantile(list(range(20, 0, -1)), share) == value
