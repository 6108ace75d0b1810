"""A clock for scenarios."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.scenarios import Clock


class CountingClock:
    """Each mark is a second after the one before."""

    resolution = 1e-9

    def __init__(self) -> None:
        self.marks = 0

    def mark(self) -> int:
        self.marks += 1
        return self.marks

    def seconds(self, start: object, end: object) -> float:
        assert isinstance(start, int)
        assert isinstance(end, int)
        return float(end - start)


@pytest.fixture
def counting() -> Callable[[], Clock]:
    """Make a clock that starts anew."""
    return CountingClock
