"""Bandwidth at a working set, from a measured curve."""

from __future__ import annotations

import pytest

from harness.analyse.bandwidth import curve, read_bandwidth

MIB = 2**20
MEASURED = {
    "memory_read": 30.0,
    "memory_read@1MiB": 100.0,
    "memory_read@4MiB": 80.0,
    "memory_read@1GiB": 40.0,
    "memory_copy": 999.0,
}


@pytest.mark.parametrize(
    ("mebibytes", "bandwidth"),
    [
        (0.1, 100.0),  # below the smallest size: that size's
        (1, 100.0),
        (2, 90.0),  # halfway between 1 and 4 on the logarithm
        (64, 60.0),
        (1024, 40.0),
        (2048, 30.0),  # where the curve reaches that of memory
        (10_000, 30.0),
    ],
)
def test_bandwidth_is_interpolated_on_the_logarithm_of_the_size(
    mebibytes: float, bandwidth: float
) -> None:
    assert read_bandwidth(MEASURED, mebibytes * MIB) == pytest.approx(bandwidth)


def test_without_a_curve_the_bandwidth_of_memory_counts() -> None:
    assert read_bandwidth({"memory_read": 30.0}, MIB) == 30.0
    assert read_bandwidth({}, MIB) is None


def test_beyond_the_largest_measured_size_it_is_unknown() -> None:
    """For example because other processes made the measurement of memory too low."""
    assert read_bandwidth({"memory_read@4MiB": 80.0}, 4 * MIB) == 80.0
    assert read_bandwidth({"memory_read@4MiB": 80.0}, 5 * MIB) is None


def test_a_small_buffer_is_never_slower_than_a_larger_one() -> None:
    """1 MiB is read in microseconds, so calls take a part of the time that is not reading."""
    slow_calls = {**MEASURED, "memory_read@1MiB": 20.0}
    assert read_bandwidth(slow_calls, MIB / 2) == 80.0
    assert [value for _, value in curve(slow_calls)] == [80.0, 80.0, 40.0, 30.0]
