"""A cell's processes, by number."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rank:
    """One of the processes that a cell is split over."""

    index: int = 0
    world: int = 1


ALONE = Rank()
