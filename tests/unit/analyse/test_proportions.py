"""Shares of trials, against SciPy's."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from harness.analyse.proportions import even_split, wilson


@pytest.mark.parametrize(("count", "total"), [(0, 1), (1, 1), (0, 20), (3, 7), (50, 1000)])
def test_the_interval_of_a_share_is_wilsons(count: int, total: int) -> None:
    expected = binomtest(count, total).proportion_ci(method="wilson")
    assert wilson(count, total) == pytest.approx((expected.low, expected.high), abs=1e-7)


@pytest.mark.parametrize(("one", "other"), [(6, 0), (0, 9), (3, 3), (1, 7), (5, 4)])
def test_an_even_split_is_tested_exactly(one: int, other: int) -> None:
    assert even_split(one, other) == pytest.approx(binomtest(one, one + other).pvalue)
