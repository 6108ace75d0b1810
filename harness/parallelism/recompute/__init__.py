"""recompute: the backward pass computes activations again instead of keeping them.

`full` keeps a block's input only and runs its forward pass twice: a third more FLOPs (Chen et al.
2016, arXiv 1604.06174). `selective` also keeps the outputs of matrix products and recomputes only
the cheap rest (in the spirit of Korthikanti et al. 2022, arXiv 2205.05198).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from harness.domain.entry import Options
from harness.parallelism import Parallelism, register

if TYPE_CHECKING:
    from harness.distributed.split import Split


@register("recompute", "the backward pass computes activations again instead of keeping them")
class Recompute(Parallelism):
    """Activation checkpointing, block by block."""

    class Options(Options):
        """How much is recomputed."""

        mode: Literal["none", "selective", "full"] = Field(
            "none", description="recompute nothing, what is cheap, or all but a block's input"
        )

    short = "mode"
    modules = ("harness.parallelism.recompute.checkpoints",)

    @property
    def only_trains(self) -> bool:
        """Inference keeps no activations."""
        return True

    def apply(self, split: Split) -> None:
        """Wrap the blocks."""
        from harness.parallelism.recompute.checkpoints import recompute

        if self.options.mode != "none":
            recompute(split, selective=self.options.mode == "selective")
