"""The range in which the next value of an unchanged series is expected."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analyse.levels import LEAST, RECENT, predicted


def test_one_earlier_value_already_has_a_range() -> None:
    found = predicted([2.0])
    assert found.level == 2.0
    assert found.points == 1
    assert found.contains(2.0 * 1.05)
    assert not found.contains(2.0 * 1.15)


def test_the_range_narrows_with_more_values_but_not_beyond_the_least() -> None:
    quiet = np.exp(np.random.default_rng(0).normal(0, 0.001, 50)).tolist()
    widths = [
        math.log(one.high / one.low) / 2
        for n in (1, 2, 5, 15, 30)
        for one in [predicted(quiet[:n])]
    ]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] == pytest.approx(math.log1p(LEAST))


def test_a_noisy_series_has_a_wide_range() -> None:
    noisy = np.exp(np.random.default_rng(0).normal(0, 0.1, 50)).tolist()
    found = predicted(noisy)
    assert found.high / found.level > 1.15


@pytest.mark.parametrize("noise", [0.01, 0.02, 0.05])
def test_the_range_contains_the_next_value(noise: float) -> None:
    rng = np.random.default_rng(0)
    series = np.exp(rng.normal(0, noise, (1000, RECENT + 1))).tolist()
    share = np.mean([predicted(one[:-1]).contains(one[-1]) for one in series])
    assert 0.965 <= share <= 1


@pytest.mark.parametrize("size", [0.3, 3.0])
def test_spikes_do_not_widen_the_range(size: float) -> None:
    values = np.exp(np.random.default_rng(0).normal(0, 0.02, 30))
    plain = predicted(values.tolist())
    values[[3, 20]] *= size
    spiked = predicted(values.tolist())
    assert spiked.level == pytest.approx(plain.level, rel=0.01)
    assert spiked.high / spiked.low == pytest.approx(plain.high / plain.low, rel=0.03)


def test_a_second_mode_is_no_surprise() -> None:
    """One night in six is 6 % slower; the median absolute deviation does not see it."""
    values = [1.06 if at % 6 == 5 else 1.0 + at % 3 / 1000 for at in range(30)]
    assert predicted(values).high > 1.05


def test_only_recent_values_count() -> None:
    recent = [1.0 + at % 5 / 100 for at in range(RECENT)]
    assert predicted([9.0] * 50 + recent) == predicted(recent)


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=40), st.floats(1e-6, 1e6))
def test_the_range_is_around_the_level_in_any_unit(values: list[float], unit: float) -> None:
    found, scaled = predicted(values), predicted([one * unit for one in values])
    assert found.low < found.level < found.high
    assert scaled.level == pytest.approx(found.level * unit)
    assert scaled.high == pytest.approx(found.high * unit)
    assert found.level / found.low == pytest.approx(found.high / found.level)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_a_value_without_logarithm_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="no logarithm"):
        predicted([1.0, bad])
