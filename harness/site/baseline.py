"""A cell's speed-up over its baseline, or why it has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from harness.analyse.compare import compared
from harness.domain.result import Result, Status
from harness.site.cell_history import CellHistory
from harness.site.format import Figure, finite, ratio

Places: TypeAlias = Mapping[tuple[str, str], CellHistory]  # by (cell id, host fingerprint)


@dataclass(frozen=True)
class Gain:
    """A speed-up, or in `why_not` the reason why there is none."""

    figure: Figure | None = None
    why_not: str = ""
    is_baseline: bool = False
    paired: bool = False  # compares rounds that ran close together, so that drift cancels


def gain(one: CellHistory, places: Places, metric: str) -> Gain:
    """The newest result's speed-up in a metric.

    The baseline must have the same commit and software, on the same kind of host: otherwise the
    ratio would include whatever else changed.
    """
    result = one.newest
    if result.baseline is None:
        return Gain(why_not="its spec names no baseline")
    if result.baseline == one.cell.id:
        return Gain(why_not="this is the baseline", is_baseline=True)
    found = alike(result, places.get((result.baseline, one.host.fingerprint)))
    if found is None:
        return Gain(why_not="the baseline was not measured at this commit with this software")
    return _ratio(found, result, metric)


def alike(result: Result, history: CellHistory | None) -> Result | None:
    """The history's newest result of the same commit and software, if there is one."""
    known = history.results if history else ()
    return next((one for one in known if _conditions(one) == _conditions(result)), None)


def _conditions(result: Result) -> tuple[str, str, str]:
    commit = result.run.commit
    return (commit.sha, commit.dirty, result.run.environment.digest)


def _ratio(baseline: Result, result: Result, metric: str) -> Gain:
    if baseline.status is not Status.OK or metric not in baseline.metrics:
        return Gain(why_not=f"the baseline lacks this metric; its status is: {baseline.status}")
    if metric not in result.metrics:
        return Gain(why_not="this metric was not measured")
    found = compared(result, baseline, metric)
    if found is None or finite(found.estimate.value) is None:
        return Gain(why_not="the two figures have no ratio")
    return Gain(ratio(found.estimate), paired=found.paired)
