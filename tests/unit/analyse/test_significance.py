"""The test of two means, against Student's and against itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_ind

from harness.analyse.significance import mean_test

PARTS = [(5, 5), (3, 60), (60, 4), (12, 30)]


@pytest.mark.parametrize(("first", "second"), PARTS)
def test_without_autocorrelation_it_is_students(first: int, second: int) -> None:
    rng = np.random.default_rng(first)
    one, other = rng.normal(0, 1, first), rng.normal(1, 1, second)
    found = mean_test(one, other, noise=0.0, correlation=0.0)
    assert found.p == pytest.approx(ttest_ind(one, other).pvalue)
    assert found.step == pytest.approx(abs(one.mean() - other.mean()))


@pytest.mark.parametrize(("first", "second"), PARTS)
def test_the_closed_form_is_the_limit_of_no_autocorrelation(first: int, second: int) -> None:
    rng = np.random.default_rng(second)
    one, other = rng.normal(0, 1, first), rng.normal(1, 1, second)
    closed = mean_test(one, other, 0.5, 0.0)
    assert closed.p == pytest.approx(mean_test(one, other, 0.5, 1e-9).p, rel=1e-6)


def test_autocorrelation_makes_a_step_less_certain() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(0, 1, 40), rng.normal(1, 1, 10)
    certain = [mean_test(one, other, 1.0, correlation).p for correlation in (0.0, 0.3, 0.6)]
    assert certain == sorted(certain)
