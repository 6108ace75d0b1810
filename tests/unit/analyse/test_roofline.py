"""The roofline of a host's two ceilings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analyse.roofline import BANDWIDTH, COMPUTE, Roofline, roofline

FACTS = {"flops": 3e10, "bytes_moved": 1e8, "peak_flops": 1e12, "peak_bandwidth": 1e10}
positive = st.floats(1e-3, 1e18)


def test_work_above_the_ridge_is_bound_by_compute() -> None:
    """300 FLOPs a byte, on a host where compute and bandwidth meet at 100."""
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
def test_a_roofline_needs_all_four_facts(missing: str) -> None:
    assert roofline({name: value for name, value in FACTS.items() if name != missing}) is None


@given(positive, positive, positive, positive)
def test_the_ceiling_that_takes_longer_is_the_bound(
    flops: float, moved: float, peak: float, bandwidth: float
) -> None:
    found = Roofline(flops, moved, peak, bandwidth)
    alone = {COMPUTE: flops / peak, BANDWIDTH: moved / bandwidth}
    assert found.seconds == pytest.approx(alone[found.bound], rel=1e-9)
    assert found.seconds == max(alone.values())
