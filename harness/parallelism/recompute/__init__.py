"""recompute: what the backward pass makes again, so that it need not be kept.

`full` keeps a block's input only and does its forward pass twice, a third more FLOPs (Chen et al.
2016, arXiv 1604.06174); `selective` keeps the outputs of products as well, and makes only what is
cheap again (in the spirit of Korthikanti et al. 2022, arXiv 2205.05198).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from harness.domain.entry import Options
from harness.parallelism import Parallelism, register

if TYPE_CHECKING:
    from harness.distributed.split import Split


@register("recompute", "activations made again in the backward pass instead of kept")
class Recompute(Parallelism):
    """Activation checkpointing, block by block."""

    class Options(Options):
        """How much of it."""

        mode: Literal["none", "selective", "full"] = Field(
            "none", description="nothing, what is cheap, or all but a block's input"
        )

    short = "mode"
    modules = ("harness.parallelism.recompute.checkpoints",)

    @property
    def only_trains(self) -> bool:
        """Inference keeps nothing."""
        return True

    def apply(self, split: Split) -> None:
        """Wrap the blocks."""
        from harness.parallelism.recompute.checkpoints import recompute

        if self.options.mode != "none":
            recompute(split, selective=self.options.mode == "selective")
