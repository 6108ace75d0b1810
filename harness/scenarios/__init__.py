"""What the model is made to do while the clock runs. One file an entry."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from harness.domain.cell import Cell
from harness.domain.entry import Entry
from harness.model.cost import Work
from harness.registry import Registry
from harness.session import Session
from harness.timer import Timer

if TYPE_CHECKING:
    from harness.session.workload import Workload


Iteration: TypeAlias = Callable[[Timer], Mapping[str, float]]


class Scenario(Entry):
    """A piece of work to repeat and time."""

    workload: ClassVar[tuple[str, ...]]  # the workload keys it uses
    headline: ClassVar[str]  # the metric its leaderboard is ranked by
    trains: ClassVar[bool] = False

    @property
    def cold(self) -> bool:
        """True if the caches are emptied before each time, by the option `cold`."""
        return bool(getattr(self.options, "cold", False))

    @abstractmethod
    def tokens(self, workload: Mapping[str, int]) -> int:
        """Tokens a sequence goes through in what `section` times, for tokens/s."""

    @abstractmethod
    def capacity(self, workload: Mapping[str, int]) -> int:
        """The longest sequence, in tokens: what the model's context must hold."""

    def steps(self, workload: Mapping[str, int]) -> int:
        """How many times what an iteration times first fits into it; more than one where a time
        is that of a part, such as a single token.
        """
        return 1

    @abstractmethod
    def work(self, workload: Mapping[str, int]) -> tuple[Work, ...]:
        """The forward passes of one iteration, for model/cost.py."""

    @abstractmethod
    def prepare(self, session: Session, workload: Workload) -> Iteration:
        """The iteration to repeat: it does the work once and returns seconds by section.

        The decode state is made here, by `session.start`, if the work needs one.
        """


def cell_capacity(cell: Cell) -> int:
    """The longest sequence a cell needs, in tokens."""
    return registry.of(cell.scenario).capacity(cell.load)


registry: Registry[Scenario] = Registry("scenario", "scenarios")
register = registry.register
