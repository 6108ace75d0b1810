"""Named figures derived from a round's raw samples and facts. One file an entry."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, TypeAlias

from harness.analyse.stats import summarise
from harness.domain.entry import Entry
from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.registry import Registry

Spread: TypeAlias = tuple[float, float | None, float | None]  # value, and its 95% interval


class Metric(Entry):
    """A figure with a unit and a direction."""

    unit: ClassVar[str]
    direction: ClassVar[Direction]
    every_round: ClassVar[bool] = False  # whether a cell has it only if each of its rounds does

    @abstractmethod
    def value(self, one: Round) -> float | None:
        """The figure in one round; None where the round has nothing to make it from."""

    def over(self, rounds: Sequence[Round]) -> Spread:
        """The figure over rounds that all have it in their `values`."""
        return summarise([one.values[self.name] for one in rounds])

    def samples(self, one: Round) -> int:
        """How many samples the round's figure is made from; 1 for what is told once a round."""
        return 1


registry: Registry[Metric] = Registry("metric", "metrics")
register = registry.register
