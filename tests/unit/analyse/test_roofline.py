"""What a host's two ceilings allow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analyse.roofline import BANDWIDTH, COMPUTE, Roofline, roofline

FACTS = {"flops": 3e10, "bytes_moved": 1e8, "peak_flops": 1e12, "peak_bandwidth": 1e10}
positive = st.floats(1e-3, 1e18)


def test_the_intensity_is_held_against_the_ridge() -> None:
    """300 FLOP a byte, where compute and bandwidth meet at 100."""
    found = roofline(FACTS)
    assert found is not None
    assert found.intensity == pytest.approx(300)
    assert found.ridge == pytest.approx(100)
    assert found.seconds == pytest.approx(0.03)
    assert found.bound == COMPUTE


def test_few_flops_a_byte_are_bound_by_bandwidth() -> None:
    found = Roofline(flops=1e8, bytes=1e8, peak_flops=1e12, peak_bandwidth=1e10)
    assert found.bound == BANDWIDTH
    assert found.seconds == pytest.approx(0.01)


@pytest.mark.parametrize("missing", FACTS)
def test_without_one_of_the_four_there_is_none(missing: str) -> None:
    assert roofline({name: value for name, value in FACTS.items() if name != missing}) is None


@given(positive, positive, positive, positive)
def test_the_limit_that_binds_is_the_one_that_takes_the_time(
    flops: float, moved: float, peak: float, bandwidth: float
) -> None:
    found = Roofline(flops, moved, peak, bandwidth)
    alone = {COMPUTE: flops / peak, BANDWIDTH: moved / bandwidth}
    assert found.seconds == pytest.approx(alone[found.bound], rel=1e-9)
    assert found.seconds == max(alone.values())
