"""The median over rounds and its interval."""

from __future__ import annotations

import math
from statistics import median_high, median_low

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analyse.stats import ENOUGH, relative_half_width, summarise
from harness.domain.metric import Direction, Estimate

# Times from a nanosecond to a day, for up to 20 rounds.
times = st.lists(st.floats(1e-9, 1e5), min_size=2, max_size=20)


@pytest.mark.parametrize(
    ("rounds", "value"),
    [([3.0, 1.0, 2.0], 2.0), ([9.0, 1.0, 2.0, 8.0], 4.0), ([4.0, -1.0, 2.0, 3.0], 2.5)],
)
def test_the_value_is_the_median(rounds: list[float], value: float) -> None:
    """One slow round does not move it far.

    For an even number of rounds it is the geometric mean of the middle two, so that a rate and its
    time agree; or the arithmetic mean if not all rounds are positive.
    """
    assert summarise(rounds)[0] == pytest.approx(value)


def test_a_single_round_has_no_interval() -> None:
    """Nobody knows how much another round would differ."""
    assert summarise([0.2]) == (0.2, None, None)


def test_two_rounds_have_no_interval() -> None:
    """Student's would span orders of magnitude: 12.7 standard errors, on logarithms."""
    assert summarise([0.0168, 0.0208])[1:] == (None, None)
    assert summarise([-1.0, 1.0])[1:] == (None, None)


def test_three_rounds_have_students_interval() -> None:
    """Worked by hand, on logarithms: 4.303 x 1.160 x s / sqrt(3), with s = ln(1.1)."""
    value, low, high = summarise([1.0, 1.1, 1.21])
    assert low is not None
    assert high is not None
    assert value == pytest.approx(1.1)
    assert math.log(high / value) == pytest.approx(
        4.303 * 1.160 * math.log(1.1) / math.sqrt(3), rel=1e-4
    )
    assert low * high == pytest.approx(value**2)


@pytest.mark.parametrize("rounds", [[1.0, 2.0, 10.0], [1.0, 1.0, 1.0, 1e3, 1e6]])
def test_students_interval_is_dropped_if_it_spans_a_factor_of_ten(rounds: list[float]) -> None:
    """Such bounds come from the assumed distribution of the noise, not from the rounds."""
    assert summarise(rounds)[1:] == (None, None)


def test_the_interval_of_six_rounds_spans_them_all() -> None:
    """The least and the largest of six enclose the median in 1 - 2 / 2^6 = 96.9% of cases."""
    assert summarise([6.0, 1.0, 2.0, 5.0, 3.0, 4.0])[1:] == (1.0, 6.0)


def test_one_wild_round_among_ten_moves_no_bound_far() -> None:
    """Bounds are order statistics, not a standard deviation."""
    calm = [1.0 + index / 1000 for index in range(9)]
    _, low, high = summarise([*calm, 100.0])
    assert low == pytest.approx(1.0, abs=0.002)
    assert high == pytest.approx(1.008, abs=0.002)


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_rounds_that_are_not_finite_have_no_interval(bad: float) -> None:
    assert summarise([1.0, 1.0, bad])[1:] == (None, None)


@given(st.floats(1e-9, 1e12), st.integers(2, 20))
def test_rounds_that_agree_have_an_interval_of_no_width(value: float, count: int) -> None:
    """To the bit: rounding must not make a count of parameters uncertain."""
    assert summarise([value] * count) == (value, value, value)


@given(times)
def test_the_interval_contains_the_median(rounds: list[float]) -> None:
    """It stays on the rounds' side of zero. From six rounds on there always is an interval."""
    value, low, high = summarise(rounds)
    assert median_low(rounds) <= value <= median_high(rounds)
    assert (low is None) == (high is None)
    assert low is not None or len(rounds) < ENOUGH
    assert 0 < (low or value) <= value <= (high or value)


@given(times, st.floats(1e-3, 1e3))
def test_a_rate_has_the_value_and_interval_of_its_time(rounds: list[float], work: float) -> None:
    """Summarising rates gives the same as summarising times and computing the rate from them."""
    value, *bounds = summarise(rounds)
    expected = sorted(work / one for one in bounds if one is not None)
    rate, *edges = summarise([work / one for one in rounds])
    assert rate == pytest.approx(work / value, rel=1e-9)
    assert [one for one in edges if one is not None] == pytest.approx(expected, rel=1e-9)


@given(times, st.floats(1e-3, 1e3))
def test_another_unit_scales_value_and_interval(rounds: list[float], factor: float) -> None:
    """Seconds and milliseconds give the same result."""
    expected = [factor * one for one in summarise(rounds) if one is not None]
    scaled = [one for one in summarise([factor * one for one in rounds]) if one is not None]
    assert scaled == pytest.approx(expected, rel=1e-6, abs=1e-9 * factor * max(rounds))


@given(times, st.randoms(use_true_random=False))
def test_the_order_of_rounds_does_not_matter(rounds: list[float], random: object) -> None:
    assert summarise(sorted(rounds)) == pytest.approx(summarise(rounds))


@pytest.mark.parametrize("count", [3, 4, 5, 6, 7, 8, 10, 15, 30])
@pytest.mark.parametrize("law", ["normal", "skewed", "heavy tails"])
def test_95_percent_intervals_contain_the_truth_in_95_percent_of_cells(
    count: int, law: str
) -> None:
    """In 93% to 98% of 5,000 simulated cells whose number of rounds is fixed beforehand."""
    dice = np.random.default_rng(count)
    shape = (5000, count)
    noise = {
        "normal": dice.normal(0, 0.02, shape),
        "skewed": dice.gamma(1.5, 0.015, shape) - 0.015 * 1.18296,
        "heavy tails": 0.02 * dice.standard_t(3, shape),
    }[law]
    held = 0
    for rounds in (0.2 * np.exp(noise)).tolist():
        _, low, high = summarise(rounds)
        assert low is not None
        assert high is not None
        held += low <= 0.2 <= high
    assert 0.93 < held / 5000 < 0.98


def test_the_relative_half_width_is_a_share_of_the_value() -> None:
    assert relative_half_width(
        Estimate(0.2, 0.19, 0.21, "s", Direction.LOWER, 3, 60)
    ) == pytest.approx(0.05)


@pytest.mark.parametrize(("value", "bound"), [(0.2, None), (0.0, 0.0)])
def test_without_an_interval_or_a_value_there_is_no_relative_width(
    value: float, bound: float | None
) -> None:
    width = relative_half_width(Estimate(value, bound, bound, "s", Direction.LOWER, 1, 20))
    assert width is None
