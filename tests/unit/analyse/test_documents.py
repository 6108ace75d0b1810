"""A ratio over documents, and its interval."""

from __future__ import annotations

import random

import pytest

from harness.analyse.documents import FEWEST, ratio


def test_the_ratio_is_the_sum_over_the_sum() -> None:
    """Long documents count more, unlike in the mean of ratios."""
    assert ratio([(1.0, 1.0), (2.0, 10.0)])[0] == pytest.approx(3 / 11)


def test_few_documents_have_no_interval() -> None:
    assert ratio([(1.0, 2.0)] * (FEWEST - 1))[1:] == (None, None)


def test_equal_documents_have_an_interval_of_no_width() -> None:
    assert ratio([(1.0, 2.0)] * 20) == pytest.approx((0.5, 0.5, 0.5))


def test_95_percent_intervals_contain_the_truth_in_95_percent_of_samples() -> None:
    """2,000 samples of 64 documents whose lengths and rates vary together."""
    dice = random.Random(5)
    truth, held = 0.0, 0

    def documents(count: int) -> list[tuple[float, float]]:
        made = []
        for _ in range(count):
            length = dice.uniform(50, 250)
            made.append(
                (length * (0.9 + 0.002 * length / 10) * dice.lognormvariate(0, 0.2), length)
            )
        return made

    truth = ratio(documents(200_000))[0]
    for _ in range(2000):
        _, low, high = ratio(documents(64))
        assert low is not None
        assert high is not None
        held += low <= truth <= high
    assert 0.93 < held / 2000 < 0.97
