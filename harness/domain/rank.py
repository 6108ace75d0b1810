"""The rank of a process among those that a cell is split over."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rank:
    """One of a cell's `world` processes."""

    index: int = 0
    world: int = 1


ALONE = Rank()
