"""What comparing a cell with itself tells of a machine's numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from harness.domain.cell import Cell


@dataclass(frozen=True)
class SelfCheck:
    """The result of many comparisons of one cell with itself, where every difference is false.

    Shares are parts of one; changes are parts of the value, so 0.02 is 2%.
    """

    cell: Cell
    metric: str  # the scenario's headline metric
    trials: int  # comparisons
    rounds: float  # mean rounds a side of a comparison
    false_alarms: float  # share of comparisons that claim a difference
    noise_floor: float  # 95% of comparisons show less change than this
    smallest_change: float  # would be told from none in 95% of comparisons
    coverage: float  # share of intervals of one side that hold the median of all rounds
    when: datetime
