"""The estimate of a metric's value, and which way the metric gets better."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Direction(StrEnum):
    """Whether lower or higher values of a metric are better."""

    LOWER = "lower"
    HIGHER = "higher"


@dataclass(frozen=True)
class Estimate:
    """A metric's value in one result: the median over rounds and its interval.

    `low` and `high` bound the 95% interval. Both are None if there are too few rounds for one,
    and equal for a constant, such as a parameter count.
    """

    value: float
    low: float | None
    high: float | None
    unit: str
    direction: Direction
    rounds: int
    samples: int
