"""torch itself: forked processes that rendezvous through a file, and run DDP or FSDP2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.launchers import Launcher, register

if TYPE_CHECKING:
    from harness.distributed.assemble import Whole
    from harness.distributed.split import Split


@register("torch", "torch's own: DDP, FSDP2, DTensor, pipelines")
class Torch(Launcher):
    """Supports every strategy."""

    def assemble(self, whole: Whole) -> Split:
        """The part that the strategies' changes leave to this rank."""
        from harness.distributed.assemble import split_model

        return split_model(whole)
