from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from types import ModuleType

import pytest

from harness.domain.metric import Direction, Estimate
from harness.site.format import (
    Scale,
    decimals,
    figure,
    finite,
    moment,
    number,
    percent,
    quantity,
    ratio,
    scale_for,
)


@pytest.mark.parametrize(
    ("value", "unit", "printed"),
    [
        (1.5, "s", "1.50 s"),
        (0.0123, "s", "12.3 ms"),
        (0.00095, "s", "950 µs"),
        (0.0000000421, "s", "42.1 ns"),
        (0.9996, "s", "1.00 s"),
        (497_759_232, "B", "475 MiB"),
        (1.5 * 2**30, "B", "1.50 GiB"),
        (12, "B", "12 B"),
        (0, "B", "0 B"),
        (1.27e11, "FLOP", "127 GFLOP"),
        (124_439_808, "count", "124 million"),
        (174_600_000_000, "count", "175 billion"),
        (23_222.4, "tokens/s", "23,222 tokens/s"),
        (0.0134, "fraction", "1.34 %"),
        (1.2e-7, "fraction", "1.20e-07"),
        (0.0031, "J", "3.10 mJ"),
        (0.352, "USD", "0.352 USD"),
        (4.5, "FLOP/B", "4.50 FLOP/B"),
        (3.0, "widgets", "3 widgets"),
    ],
)
def test_values_are_printed_in_readable_units(value: float, unit: str, printed: str) -> None:
    assert printed == quantity(value, unit)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_printed(value: float) -> None:
    assert number(value, 2) in {"NaN", "∞", "-∞"}
    assert finite(value) is None


def test_a_column_is_printed_in_one_scale_if_one_fits_all() -> None:
    assert scale_for([0.012, 1.1], "s") == Scale(1e-3, "ms")


def test_values_too_far_apart_take_the_scale_of_the_largest() -> None:
    assert scale_for([0.000_95, 0.012, 1.1], "s") == Scale(1.0, "s")


def test_a_value_that_does_not_fit_the_columns_scale_has_its_own(sample: ModuleType) -> None:
    seconds = Scale(1.0, "s")
    tiny = figure(sample.make_estimate("latency", 0.000_02), "s", seconds)
    assert (tiny.value, tiny.unit) == ("20.0", "µs")


def test_a_narrower_interval_gets_more_digits(sample: ModuleType) -> None:
    coarse = figure(sample.make_estimate("latency", 0.2, spread=0.02), "s")
    fine = figure(sample.make_estimate("latency", 0.2, spread=0.0001), "s")
    assert (coarse.value, coarse.interval) == ("200", "[196, 204]")
    assert (fine.value, fine.interval) == ("200.00", "[199.98, 200.02]")


def test_an_estimate_without_an_interval_prints_none(sample: ModuleType) -> None:
    assert figure(sample.make_estimate("model_bytes", 2**30), "B").interval == ""


def test_a_figure_keeps_its_raw_value_for_sorting(sample: ModuleType) -> None:
    assert figure(sample.make_estimate("latency", 0.0123456), "s").raw == 0.0123456


def test_a_ratio_has_two_decimals() -> None:
    found = ratio(Estimate(1.8412, 1.7, 1.99, "1", Direction.HIGHER, 3, 60))
    assert (found.value, found.unit, found.interval) == ("1.84", "×", "[1.70, 1.99]")


def test_an_estimate_that_is_not_a_number_still_prints(sample: ModuleType) -> None:
    broken = replace(sample.make_estimate("logit_error", 0.1), value=math.nan)
    assert figure(broken, "fraction").value == "NaN"


def test_decimals_are_bounded() -> None:
    assert decimals(1e-9, None) == 6
    assert decimals(123_456.7, None) == 0
    assert decimals(0.0, 0.1) == 0


def test_shares_are_percentages() -> None:
    assert [percent(0.0123), percent(0.2), percent(3.4)] == ["1.2 %", "20 %", "340 %"]


def test_moments_are_in_utc() -> None:
    zone = timezone(timedelta(hours=2))
    assert moment(datetime(2026, 1, 2, 12, 4, tzinfo=zone)) == "2026-01-02 10:04 UTC"
    assert moment(datetime(2026, 1, 2, 12, 4, tzinfo=UTC).replace(tzinfo=None)) == (
        "2026-01-02 12:04 UTC"
    )
    assert moment(None) == "—"
