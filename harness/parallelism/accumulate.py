"""accumulate: several passes over parts of the batch, whose gradients add up to one step.

Each pass needs memory for its own activations only. Gradients are exchanged in the last pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from harness.domain.entry import Options
from harness.parallelism import Parallelism, register

if TYPE_CHECKING:
    from harness.distributed.split import Split


@register(
    "accumulate", "several passes over parts of the batch, whose gradients add up to one step"
)
class Accumulate(Parallelism):
    """Gradient accumulation."""

    class Options(Options):
        """The number of passes."""

        times: int = Field(1, ge=1, le=4096, description="passes per step; must divide the batch")

    short = "times"

    @property
    def only_trains(self) -> bool:
        """Inference has no gradients."""
        return True

    @property
    def cuts(self) -> int:
        """One piece per pass."""
        times: int = self.options.times
        return times

    def apply(self, split: Split) -> None:
        """Set the number of passes that the training loop makes per step."""
        split.accumulate = self.options.times
