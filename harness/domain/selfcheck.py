"""The result of comparing a cell with itself, which shows how far to trust a machine's numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from harness.domain.cell import Cell


@dataclass(frozen=True)
class SelfCheck:
    """The result of many comparisons of one cell with itself, where every difference is false.

    Shares and changes are fractions: 0.02 is 2%.
    """

    cell: Cell
    metric: str  # the scenario's headline metric
    trials: int  # comparisons
    rounds: float  # mean number of rounds on each side of a comparison
    false_alarms: float  # share of comparisons that claim a difference
    noise_floor: float  # 95% of comparisons show a smaller change than this
    smallest_change: float  # 95% of comparisons would detect this change
    coverage: float  # share of one side's intervals that contain the median of all rounds
    when: datetime
