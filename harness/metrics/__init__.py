"""Named figures derived from a round's raw samples and facts. One file an entry."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from harness.domain.entry import Entry
from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.registry import Registry


class Metric(Entry):
    """A figure with a unit and a direction."""

    unit: ClassVar[str]
    direction: ClassVar[Direction]
    every_round: ClassVar[bool] = False  # whether a cell has it only if each of its rounds does

    @abstractmethod
    def value(self, one: Round) -> float | None:
        """The figure in one round; None where the round has nothing to make it from."""

    def samples(self, one: Round) -> int:
        """How many samples the round's figure is made from; 1 for what is told once a round."""
        return 1


registry: Registry[Metric] = Registry("metric", "metrics")
register = registry.register
