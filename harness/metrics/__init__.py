"""Named figures derived from a round's raw samples and facts.

A file holds the metrics of one group, in the order in which pages show them. A metric says itself
what it is called, in what unit people read it, and where it is shown.
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
    """What a metric is about. Pages show the groups in this order."""

    SPEED = 1
    COST = 2  # energy and money
    MEMORY = 3
    MODEL = 4  # the model's size, and the work that it asks for
    QUALITY = 5
    FILE = 6
    PARALLEL = 7  # what it takes to run as several processes
    OVERHEAD = 8  # what is spent around the iterations
    OTHER = 9  # in the order of their names


class Metric(Entry):
    """A figure with a unit and a direction."""

    unit: ClassVar[str]  # of the stored value
    direction: ClassVar[Direction]
    every_round: ClassVar[bool] = False  # whether a cell has it only if each of its rounds does

    title: ClassVar[str] = ""  # of columns and charts; by default the name, in words
    # What people read it in where `unit` says less: "fraction" (of "1"), "count", "tokens/s".
    printed_unit: ClassVar[str] = ""
    group: ClassVar[Group] = Group.OTHER
    leaderboard: ClassVar[bool] = True  # False: shown on the cell's page only
    of_ranks: ClassVar[bool] = False  # on a leaderboard only where some cell runs as several
    tile: ClassVar[bool] = False  # whether it is among the few that a cell's page opens with
    # Its place among a leaderboard's columns of quality, which stand apart; 0: it is none of them.
    quality_column: ClassVar[int] = 0
    # Its place among the columns of `harness show`; 0: it is none of them.
    show_column: ClassVar[int] = 0

    @abstractmethod
    def value(self, one: Round) -> float | None:
        """The figure in one round; None where the round has nothing to make it from."""

    def over(self, rounds: Sequence[Round]) -> Spread:
        """The figure over rounds that all have it in their `values`."""
        return summarise([one.values[self.name] for one in rounds])

    def samples(self, one: Round) -> int:
        """How many samples the round's figure is made from; 1 for what is told once a round."""
        return 1


class FactMetric(Metric):
    """A fact of the round, as its processes reported it."""

    direction = Direction.LOWER
    fact: ClassVar[str] = ""  # its name; by default the metric's

    def value(self, one: Round) -> float | None:
        """None where no process reported it."""
        return one.facts.get(self.fact or self.name)


registry: Registry[Metric] = Registry("metric", "metrics")
register = registry.register


def in_page_order() -> list[type[Metric]]:
    """All, group by group, in each as registered; at the end those of no group, by name."""
    grouped = [one for one in registry.registered() if one.group is not Group.OTHER]
    others = [one for one in registry.entries() if one.group is Group.OTHER]
    return sorted(grouped, key=lambda one: one.group) + others
