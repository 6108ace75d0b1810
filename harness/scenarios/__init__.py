"""What the model is made to do while the clock runs. One file an entry."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from harness.domain.cell import Cell
from harness.domain.entry import Entry
from harness.hardware.caches import last_level_bytes
from harness.model.cost import Work
from harness.registry import Registry
from harness.timer import Timer

if TYPE_CHECKING:
    import torch
    from torch import nn

    from harness.distributed.driver import Driver
    from harness.model.transformer import DecodeState, Transformer


@dataclass
class Output:
    """The last logits [B, 1, V], or the last loss, that a model gave; None where others have it."""

    last: torch.Tensor | None = None


@dataclass(frozen=True)
class Subject:
    """A model ready to run, and what a scenario needs to drive it.

    `model` is called; `core` is the Transformer inside it, which makes decode states and lessons.
    No scenario asks which architecture that is: see Transformer for what all have in common. Under
    parallelism `batch` is this process's share of the cell's, the one of number `share`, and
    `driver` runs its part of the model. `states` are the decode states made for it, so that what
    they take can be told. `output` keeps what the model gave last, so that it can be checked.
    """

    model: nn.Module
    core: Transformer
    device: torch.device
    dtype: torch.dtype
    batch: int
    workload: Mapping[str, int]
    seed: int
    share: int = 0
    driver: Driver | None = None
    states: list[DecodeState] = field(default_factory=list)
    output: Output = field(default_factory=Output)
    # Bytes of the device's last-level cache; raises Unsupported if the system does not report it.
    cache_bytes: Callable[[], int] = last_level_bytes

    def new_state(self, capacity: int, further: int = 0) -> DecodeState:
        """An empty decode state of this process's sequences, `capacity` tokens each.

        `further` of them come behind the prompt.
        """
        self.states.append(self.core.new_state(self.batch, capacity, further))
        return self.states[-1]

    def read(self, tokens: torch.Tensor, state: DecodeState) -> torch.Tensor | None:
        """[B, T] token ids behind those of the state -> what the architecture gives for the last.

        Of a decoder logits [B, 1, vocab]; None where another process has them.
        """
        if self.driver is not None:
            self.output.last = self.driver.logits(tokens, state)
        else:
            self.output.last = self.model(tokens, state=state, last_only=True)
        return self.output.last

    def following(self, tokens: torch.Tensor, state: DecodeState) -> torch.Tensor:
        """[B, T] token ids behind those of the state -> [B, 1], the likeliest next."""
        logits = self.read(tokens, state)
        if self.driver is not None:
            return self.driver.chosen(logits, tokens)
        assert logits is not None, "a model that is not split has its logits"
        return logits.argmax(-1)


Iteration: TypeAlias = Callable[[Timer], Mapping[str, float]]


class Scenario(Entry):
    """A piece of work to repeat and time."""

    workload: ClassVar[tuple[str, ...]]  # the workload keys it uses
    headline: ClassVar[str]  # the metric its leaderboard is ranked by
    trains: ClassVar[bool] = False

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
    def prepare(self, subject: Subject) -> Iteration:
        """The iteration to repeat: it does the work once and returns seconds by section.

        Decode states are made by `subject.new_state`, so that what they take can be told.
        """


def cell_capacity(cell: Cell) -> int:
    """The longest sequence a cell needs, in tokens."""
    return registry.of(cell.scenario).capacity(cell.load)


registry: Registry[Scenario] = Registry("scenario", "scenarios")
register = registry.register
