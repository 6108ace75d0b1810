"""A metric's name and meaning, and an estimate of its value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Direction(StrEnum):
    """Which way a metric gets better."""

    LOWER = "lower"
    HIGHER = "higher"


@dataclass(frozen=True)
class Estimate:
    """A metric's value in one result: the median over rounds and its interval.

    `low` and `high` bound the 95% interval; both are None where the rounds carry none, as one or
    two do. That of a constant, such as a parameter count, is of no width.
    """

    value: float
    low: float | None
    high: float | None
    unit: str
    direction: Direction
    rounds: int
    samples: int
