"""The work that is timed. One file per entry."""

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
    headline: ClassVar[str]  # the metric that ranks its leaderboard
    trains: ClassVar[bool] = False

    @property
    def cold(self) -> bool:
        """True if the option `cold` asks to flush the caches before each timed section."""
        return bool(getattr(self.options, "cold", False))

    @abstractmethod
    def tokens(self, workload: Mapping[str, int]) -> int:
        """Tokens per sequence in the timed section, for tokens/s."""

    @abstractmethod
    def capacity(self, workload: Mapping[str, int]) -> int:
        """The longest sequence, in tokens, that the model's context must hold."""

    def steps(self, workload: Mapping[str, int]) -> int:
        """How many timed parts, such as decode steps, make an iteration; 1 if it is timed whole."""
        return 1

    @abstractmethod
    def work(self, workload: Mapping[str, int]) -> tuple[Work, ...]:
        """The forward passes of one iteration, for model/cost.py."""

    @abstractmethod
    def prepare(self, session: Session, workload: Workload) -> Iteration:
        """Returns the iteration to repeat: it does the work once and returns seconds by section.

        If the work needs a decode state, call `session.start` here.
        """


def cell_capacity(cell: Cell) -> int:
    """The longest sequence a cell needs, in tokens."""
    return registry.of(cell.scenario).capacity(cell.load)


registry: Registry[Scenario] = Registry("scenario", "scenarios")
register = registry.register
