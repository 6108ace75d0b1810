"""Durations and estimates in words."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli.words import duration, duration_range, estimate_text, part_of
from harness.domain.cell import Cell
from harness.domain.metric import Direction, Estimate

MakeCell = Callable[..., Cell]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "under 1 s"),
        (0.4, "under 1 s"),
        (1, "1 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),  # never "60 s"
        (200, "3 min 20 s"),
        (3599.6, "1 h 00 min"),  # never "60 min 00 s"
        (7500, "2 h 05 min"),
        (360_000, "100 h 00 min"),
    ],
)
def test_a_duration_is_printed_in_units_that_fit(seconds: float, text: str) -> None:
    assert text == duration(seconds)


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.0, 0.4, "1 s"),
        (5.2, 5.4, "5 s"),
        (8, 62, "8 to 62 s"),
        (40, 200, "40 s to 3 min"),
        (98, 559, "2 to 9 min"),
        (1200, 9000, "20 min to 2.5 h"),
        (9000, 90_000, "2.5 to 25 h"),
    ],
)
def test_a_range_is_printed_no_more_precisely_than_it_is_known(
    low: float, high: float, text: str
) -> None:
    assert text == duration_range(low, high)


@given(st.floats(0, 1e7))
def test_no_number_exceeds_its_unit(seconds: float) -> None:
    """Never 60 s or 60 min."""
    words = duration(seconds).split()
    assert all(
        int(number) < 60
        for number, unit in itertools.pairwise(words)
        if number.isdigit() and unit in {"s", "min"}
    )


def test_an_estimate_is_printed_with_its_unit_and_interval() -> None:
    estimate = Estimate(0.0123, 0.0121, 0.0125, "s", Direction.LOWER, 3, 60)
    assert estimate_text("latency", estimate).startswith("12.3")
    assert "ms" in estimate_text("latency", estimate)
    assert "12.1" in estimate_text("latency", estimate)
    assert "12.5" in estimate_text("latency", estimate)


def test_an_estimate_without_an_interval_is_printed_without_one() -> None:
    estimate = Estimate(0.0123, None, None, "s", Direction.LOWER, 1, 20)
    assert "[" not in estimate_text("latency", estimate)


@pytest.mark.parametrize(
    ("name", "documents", "text"),
    [
        ("quality_loss", 5, "0.120 bit/B (5 documents: no interval)"),
        ("bits_per_byte", 1, "0.120 bit/B (1 document: no interval)"),
        ("logit_error", 1, "12 %"),  # does not come from documents
    ],
)
def test_too_few_documents_for_an_interval_are_stated(name: str, documents: int, text: str) -> None:
    unit = "1" if name == "logit_error" else "bit/B"
    estimate = Estimate(0.12, None, None, unit, Direction.LOWER, 1, documents)
    assert estimate_text(name, estimate) == text


def test_enough_documents_have_their_interval() -> None:
    estimate = Estimate(0.12, 0.11, 0.13, "bit/B", Direction.LOWER, 1, 64)
    assert estimate_text("quality_loss", estimate) == "0.120 bit/B [0.110, 0.130]"


@pytest.mark.parametrize(
    ("left", "total", "text"),
    [
        (240.0, 600.0, "4 of 10 min"),
        (40.0, 600.0, "40 s of 10 min"),
        (3.2, 6.0, "3 of 6 s"),
        (-2.0, 6.0, "0 of 6 s"),
        (-2.0, 600.0, "0 s of 10 min"),
    ],
)
def test_what_is_left_of_a_time(left: float, total: float, text: str) -> None:
    """A budget that was overrun has nothing left."""
    assert part_of(left, total) == text
