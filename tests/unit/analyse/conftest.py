"""Estimates to compare."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.domain.metric import Direction, Estimate


@pytest.fixture(scope="session")
def estimate() -> Callable[..., Estimate]:
    """An estimate from its value and its interval's half-width; None means no interval."""

    def made(
        value: float,
        half: float | None = None,
        direction: Direction = Direction.LOWER,
        rounds: int = 3,
        samples: int = 60,
    ) -> Estimate:
        low = None if half is None else value - half
        high = None if half is None else value + half
        return Estimate(value, low, high, "s", direction, rounds, samples)

    return made
