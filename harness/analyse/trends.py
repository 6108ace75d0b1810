"""Metrics over commits, with the changes of their levels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from harness.analyse.changes import Change, Steps, steps
from harness.analyse.history import Point, Series, all_series
from harness.analyse.second_opinion import SecondOpinion, second_opinion
from harness.domain.cell import Cell
from harness.domain.metric import Direction
from harness.domain.result import Result
from harness.domain.run import Host


@dataclass(frozen=True)
class Trend:
    """One metric of a cell, on one host and in one environment, over commits."""

    cell: Cell
    host: Host
    metric: str
    unit: str
    direction: Direction
    series: Series
    steps: Steps | None  # None if the series is too short, or has values without logarithms

    @cached_property
    def opinion(self) -> SecondOpinion:
        """What asv's detector says of the same series."""
        return second_opinion([point.value for point in self.series.points], self.steps)

    def changes(self) -> list[LevelChange]:
        """In the order of the commits."""
        found = self.steps.changes if self.steps else ()
        ends = [*(one.index for one in found[1:]), len(self.series.points)]
        return [
            LevelChange(self, one, end - one.index, place)
            for place, (one, end) in enumerate(zip(found, ends, strict=False))
        ]


@dataclass(frozen=True)
class LevelChange:
    """A change of a trend's level."""

    trend: Trend
    change: Change
    points: int  # of the new level
    place: int  # among the trend's changes

    @property
    def first(self) -> Point:
        """The first point of the new level."""
        return self.trend.series.points[self.change.index]

    @property
    def last_before(self) -> Point:
        """The last point of the old level: the change came after its commit."""
        return self.trend.series.points[self.change.index - 1]

    @property
    def second_opinion(self) -> bool:
        """True if asv's detector sees a step here as well."""
        return self.trend.opinion.agrees[self.place]

    @property
    def is_worse(self) -> bool:
        """True for a regression, False for an improvement."""
        return self.change.is_worse(self.trend.direction)


def trends(results: Iterable[Result], names: Callable[[Result], Iterable[str]]) -> Iterator[Trend]:
    """A trend for each cell, host, metric and environment; `names` gives a result's metrics."""
    places: dict[tuple[str, str], list[Result]] = {}
    for one in results:
        places.setdefault((one.cell.id, one.run.host.fingerprint), []).append(one)
    for found in places.values():
        known = {name: one.metrics[name] for one in found for name in names(one)}
        for name, estimate in known.items():
            for series in all_series(found, name):
                yield Trend(
                    cell=found[0].cell,
                    host=found[0].run.host,
                    metric=name,
                    unit=estimate.unit,
                    direction=estimate.direction,
                    series=series,
                    steps=steps([point.value for point in series.points]),
                )


def by_significance(changes: Iterable[LevelChange]) -> list[LevelChange]:
    """The surest first; equally sure ones newest first."""
    newest = sorted(changes, key=lambda one: one.first.when, reverse=True)
    return sorted(newest, key=lambda one: one.change.p)
