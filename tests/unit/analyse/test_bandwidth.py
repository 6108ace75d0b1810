"""Bandwidth at a working set, by a measured curve."""

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
        (0.1, 100.0),  # below the smallest size: as that
        (1, 100.0),
        (2, 90.0),  # halfway between 1 and 4 on the logarithm
        (64, 60.0),
        (1024, 40.0),
        (2048, 30.0),  # where the curve meets memory
        (10_000, 30.0),
    ],
)
def test_it_is_interpolated_on_the_logarithm_of_the_size(
    mebibytes: float, bandwidth: float
) -> None:
    assert read_bandwidth(MEASURED, mebibytes * MIB) == pytest.approx(bandwidth)


def test_without_a_curve_it_is_that_of_memory() -> None:
    assert read_bandwidth({"memory_read": 30.0}, MIB) == 30.0
    assert read_bandwidth({}, MIB) is None


def test_beyond_what_was_measured_it_is_not_known() -> None:
    """As where other work made the reading of memory too low."""
    assert read_bandwidth({"memory_read@4MiB": 80.0}, 4 * MIB) == 80.0
    assert read_bandwidth({"memory_read@4MiB": 80.0}, 5 * MIB) is None


def test_a_small_buffer_is_read_as_fast_as_a_larger_one() -> None:
    """What it lacked was taken by the calls: 1 MiB is read in microseconds."""
    slow_calls = {**MEASURED, "memory_read@1MiB": 20.0}
    assert read_bandwidth(slow_calls, MIB / 2) == 80.0
    assert [value for _, value in curve(slow_calls)] == [80.0, 80.0, 40.0, 30.0]
