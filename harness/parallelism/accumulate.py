"""accumulate: a batch in several passes, whose gradients add up to one step.

Memory for activations shrinks by as much; gradients are exchanged with the last pass only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from harness.domain.entry import Options
from harness.parallelism import Parallelism, register

if TYPE_CHECKING:
    from harness.distributed.split import Split


@register("accumulate", "a batch in several passes, whose gradients add up to one step")
class Accumulate(Parallelism):
    """Gradient accumulation."""

    class Options(Options):
        """How many passes."""

        times: int = Field(1, ge=1, le=4096, description="passes a step; must divide the batch")

    short = "times"

    @property
    def only_trains(self) -> bool:
        """Inference has no gradients."""
        return True

    @property
    def cuts(self) -> int:
        """A piece a pass."""
        times: int = self.options.times
        return times

    def apply(self, split: Split) -> None:
        """Tell who drives the model."""
        split.accumulate = self.options.times
