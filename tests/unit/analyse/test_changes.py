"""A change of level is found, and noise, spikes and short series have none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.analyse.candidates import EPISODE
from harness.analyse.changes import FEWEST, RELEVANT, steps
from harness.analyse.significance import of_difference, rank_test


def noisy(count: int, seed: int = 0, deviation: float = 0.02) -> np.ndarray:
    return np.exp(np.random.default_rng(seed).normal(0, deviation, count))


def found(values: np.ndarray) -> list[tuple[int, float]]:
    answer = steps(list(values))
    assert answer is not None
    return [(one.index, one.ratio) for one in answer.changes]


@pytest.mark.parametrize("ratio", [1.1, 1 / 1.1])
def test_a_step_is_found_where_it_is_in_both_directions(ratio: float) -> None:
    values = noisy(60)
    values[40:] *= ratio
    ((index, seen),) = found(values)
    assert index == 40
    assert seen == pytest.approx(ratio, rel=0.02)


def test_two_steps_that_undo_each_other_are_two() -> None:
    values = noisy(60)
    values[20:40] *= 1.1
    assert [index for index, _ in found(values)] == [20, 40]


def test_a_regression_shows_after_three_nights() -> None:
    values = noisy(43)
    values[40:] *= 1.1
    assert [index for index, _ in found(values)] == [40]
    assert found(values[:41]) == []


@pytest.mark.parametrize("size", [0.3, 3.0])
@pytest.mark.parametrize("length", [1, 2])
def test_a_spike_is_no_level(size: float, length: int) -> None:
    values = noisy(60)
    values[30 : 30 + length] *= size
    assert found(values) == []


def test_a_spike_does_not_hide_a_step() -> None:
    values = noisy(60)
    values[40:] *= 1.1
    values[[10, 50]] *= 3
    assert [index for index, _ in found(values)] == [40]


def test_what_is_significant_and_too_small_to_matter_is_no_change() -> None:
    values = noisy(200, deviation=0.001)
    values[100:] *= 1 + 0.8 * RELEVANT
    assert found(values) == []
    values[100:] *= 1 + 0.8 * RELEVANT
    assert [index for index, _ in found(values)] == [100]


def test_exact_figures_change_at_once() -> None:
    """A file's size, say, which has no noise."""
    ((index, ratio),) = found(np.array([100.0] * 8 + [110.0] * 8))
    assert index == 8
    assert ratio == pytest.approx(1.1)
    assert found(np.array([100.0] * 10)) == []


@pytest.mark.parametrize(
    "values",
    [
        *([], [1.0], [1.0] * (FEWEST - 1)),
        *([0.0] * 20, [-1.0] * 20, [1.0] * 19 + [math.nan], [1.0] * 19 + [math.inf]),
    ],
)
def test_what_cannot_be_judged_has_no_answer(values: list[float]) -> None:
    assert steps(values) is None


def test_the_unit_of_a_series_changes_nothing() -> None:
    values = noisy(60)
    values[40:] *= 1.1
    assert found(values)[0] == pytest.approx(found(1e-6 * values)[0])


def test_noise_is_that_around_the_levels() -> None:
    values = noisy(400)
    quiet = steps(list(values))
    values[200:] *= 2
    stepped = steps(list(values))
    assert quiet is not None
    assert stepped is not None
    assert quiet.noise == pytest.approx(0.02, rel=0.15)
    assert stepped.noise == pytest.approx(quiet.noise, rel=0.1)
    assert quiet.smallest == pytest.approx(math.expm1(1.8 * quiet.noise), rel=0.05)


def test_correlated_noise_needs_larger_steps() -> None:
    noise = np.random.default_rng(0).normal(0, 0.02, 1000)
    for place in range(1, len(noise)):
        noise[place] = 0.8 * noise[place - 1] + 0.6 * noise[place]
    answer = steps(list(np.exp(noise)))
    independent = steps(list(noisy(1000)))
    assert answer is not None
    assert independent is not None
    assert answer.autocorrelation == pytest.approx(0.8, abs=0.1)
    assert independent.autocorrelation < 0.1
    errors = [of_difference(500, 5, one.autocorrelation)[0] for one in (answer, independent)]
    assert errors[0] > 1.15 * errors[1]


@given(
    st.lists(st.floats(-1, 1, width=16), min_size=3, max_size=8),
    st.lists(st.floats(-1, 1, width=16), min_size=3, max_size=30),
)
def test_ranks_are_judged_as_the_exact_test_does(one: list[float], other: list[float]) -> None:
    """Without ties; with ties the exact test has no table, and ours takes the nearest."""
    values = [*one, *other]
    if len({*values}) < len(values):
        return
    expected = stats.mannwhitneyu(one, other, method="exact").pvalue
    assert rank_test(np.array(one), np.array(other)) == pytest.approx(expected)


def test_large_samples_are_judged_as_the_normal_approximation_does() -> None:
    one, other = noisy(90, 1), noisy(80, 2) * 1.01
    expected = stats.mannwhitneyu(one, other, method="asymptotic").pvalue
    assert rank_test(one, other) == pytest.approx(expected)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_the_error_of_a_step_is_that_of_generalised_least_squares(correlation: float) -> None:
    """By the inverse of the covariance of all values, which the product has no need of."""
    one, other = 30, 5
    places = np.arange(one + other)
    inverse = np.linalg.inv(correlation ** np.abs(places[:, None] - places[None, :]))
    design = np.stack([np.ones(one + other), places >= one], axis=1)
    expected = math.sqrt(np.linalg.inv(design.T @ inverse @ design)[1, 1])
    error, freedom = of_difference(one, other, correlation)
    assert error == pytest.approx(expected)
    assert 0 < freedom <= one + other - 2


def test_a_level_that_comes_back_is_an_episode() -> None:
    """Ten nights of a busy machine, however slow; thirteen are a level."""
    values = noisy(100)
    values[40:50] *= 1.5
    answer = steps(list(values))
    assert answer is not None
    assert answer.changes == ()
    ((start, end),) = [(one.start, one.end) for one in answer.episodes]
    assert abs(start - 40) + abs(end - 50) <= 1
    assert answer.episodes[0].ratio == pytest.approx(1.5, rel=0.03)
    values[50 : 40 + EPISODE + 1] *= 1.5
    assert [index for index, _ in found(values)] == [40, 40 + EPISODE + 1]


def test_until_it_comes_back_it_is_a_change() -> None:
    values = noisy(48)
    values[40:] *= 1.5
    assert [index for index, _ in found(values)] == [40]


@pytest.mark.parametrize("height", [1.05, 1.3, 2.88])
def test_an_episode_neither_hides_a_step_nor_moves_it(height: float) -> None:
    """Its points count as points: the index is that of the series as it was given."""
    values = noisy(103)
    values[30:37] *= height
    values[100:] *= 1.1
    assert [index for index, _ in found(values)] == [100]


def test_a_step_of_two_short_levels_is_no_episode() -> None:
    values = noisy(100)
    values[40:] *= 1.1
    values[48:] *= 1.1
    assert [index for index, _ in found(values)] == [40, 48]


def test_a_slow_drift_is_no_step() -> None:
    """1 % per 20 points, over 300; a step on top of it is one."""
    values = noisy(300) * 1.0005 ** np.arange(300)
    assert found(values) == []
    values[294:] *= 1.3
    assert [index for index, _ in found(values)] == [294]


def test_many_spikes_do_not_hide_a_step() -> None:
    """One point in ten takes up to three times as long."""
    values = noisy(100)
    spikes = np.arange(4, 90, 10)
    values[spikes] *= np.linspace(1.2, 3, len(spikes))
    assert found(values) == []
    values[95:] *= 1.1
    assert [index for index, _ in found(values)] == [95]
