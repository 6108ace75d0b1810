"""A change of level is found, and noise, spikes and short series have none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.analyse.changes import FEWEST, RELEVANT, _effective, _rank_test, steps


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
    assert quiet.smallest == pytest.approx(math.expm1(2 * quiet.noise), rel=0.05)


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
    assert answer.smallest > 1.3 * independent.smallest


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
    assert _rank_test(np.array(one), np.array(other)) == pytest.approx(expected)


def test_large_samples_are_judged_as_the_normal_approximation_does() -> None:
    one, other = noisy(90, 1), noisy(80, 2) * 1.01
    expected = stats.mannwhitneyu(one, other, method="asymptotic").pvalue
    assert _rank_test(one, other) == pytest.approx(expected)


def test_correlated_points_count_for_less() -> None:
    assert _effective(5, 0.0) == 5
    assert _effective(5, 0.5) == pytest.approx(5 / 2.225)  # by hand: 1 + 2 (0.4 + 0.15 + ...)
    assert 1 < _effective(1000, 0.9) < 100
