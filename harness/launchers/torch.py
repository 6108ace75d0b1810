"""torch itself: forked processes that meet through a file; DDP and FSDP2 between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.launchers import Launcher, register

if TYPE_CHECKING:
    from harness.distributed.assemble import Whole
    from harness.distributed.split import Split


@register("torch", "torch's own: DDP, FSDP2, DTensor, pipelines")
class Torch(Launcher):
    """Takes every strategy."""

    def assemble(self, whole: Whole) -> Split:
        """As the strategies split it."""
        from harness.distributed.assemble import split_model

        return split_model(whole)
