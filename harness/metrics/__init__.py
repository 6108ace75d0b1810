"""Named figures derived from a round's raw samples and facts.

A file holds the metrics of one group, in the order in which pages show them. Each metric states its
title, the unit in which it is printed, and where it is shown.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from enum import IntEnum
from typing import ClassVar, TypeAlias

from harness.analyse.stats import summarise
from harness.domain.entry import Entry
from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.registry import Registry

Spread: TypeAlias = tuple[float, float | None, float | None]  # value, and its 95% interval


class Group(IntEnum):
    """The subject of a metric. Pages show the groups in this order."""

    SPEED = 1
    COST = 2  # energy and money
    MEMORY = 3
    MODEL = 4  # the model's size and work
    QUALITY = 5
    FILE = 6
    PARALLEL = 7  # the cost of several processes
    OVERHEAD = 8  # time and memory around the iterations
    OTHER = 9  # sorted by name


class Metric(Entry):
    """A figure with a unit and a direction."""

    unit: ClassVar[str]  # of the stored value
    direction: ClassVar[Direction]
    every_round: ClassVar[bool] = False  # True: a cell has it only if every round has it

    title: ClassVar[str] = ""  # heading of columns and charts; by default the name in words
    # The unit people read, if it says more than `unit`: "fraction" (of "1"), "count", "tokens/s".
    printed_unit: ClassVar[str] = ""
    group: ClassVar[Group] = Group.OTHER
    leaderboard: ClassVar[bool] = True  # False: shown on the cell's page only
    of_ranks: ClassVar[bool] = False  # True: on a leaderboard only if some cell has several ranks
    tile: ClassVar[bool] = False  # True: also at the top of the cell's page
    # Its place among a leaderboard's quality columns, which are set apart; 0: not one of them.
    quality_column: ClassVar[int] = 0
    # Its place among the columns of `harness show`; 0: not one of them.
    show_column: ClassVar[int] = 0

    @abstractmethod
    def value(self, one: Round) -> float | None:
        """The figure in one round; None if the round lacks the data."""

    def over(self, rounds: Sequence[Round]) -> Spread:
        """The figure over rounds, all of which have it in their `values`."""
        return summarise([one.values[self.name] for one in rounds])

    def samples(self, one: Round) -> int:
        """The number of samples behind the round's figure; 1 if a round reports it once."""
        return 1


class FactMetric(Metric):
    """A fact that the round's processes reported."""

    direction = Direction.LOWER
    fact: ClassVar[str] = ""  # the fact's name; by default the metric's

    def value(self, one: Round) -> float | None:
        """The fact; None if no process reported it."""
        return one.facts.get(self.fact or self.name)


registry: Registry[Metric] = Registry("metric", "metrics")
register = registry.register


def in_page_order() -> list[type[Metric]]:
    """All metrics by group, in each group as registered; then those without a group, by name."""
    grouped = [one for one in registry.registered() if one.group is not Group.OTHER]
    others = [one for one in registry.entries() if one.group is Group.OTHER]
    return sorted(grouped, key=lambda one: one.group) + others
