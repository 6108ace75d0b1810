"""Finds the changes that a user names by id."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from harness.domain.location import Location

if TYPE_CHECKING:
    from harness.analyse.trends import LevelChange
    from harness.domain.result import Result


def find_changes(db: Location, ids: Sequence[str]) -> list[LevelChange]:
    """The changes with these ids, or with ids that begin so, of any metric.

    Raises UsageError for an id that no change has, or more than one.
    """
    from harness import metrics, stored
    from harness.analyse.triage import change_id, chosen
    from harness.spec.catalog import find_axes

    find_axes()
    results = stored.results(db, newest_only=False)
    shown = {entry.name for entry in metrics.registry.entries() if entry.leaderboard}
    found = _changes(results, lambda metric: metric in shown)
    names = [change_id(one) for one in found]
    if not all(any(name.startswith(one.lower()) for name in names) for one in ids):
        # Metrics that leaderboards do not show are followed on request only.
        found += _changes(results, lambda metric: metric not in shown)
    return [chosen(one, found) for one in ids]


def _changes(results: Sequence[Result], wanted: Callable[[str], bool]) -> list[LevelChange]:
    from harness.analyse.trends import trends

    def names(result: Result) -> list[str]:
        return [name for name in result.metrics if wanted(name)]

    return [change for trend in trends(results, names) for change in trend.changes()]
