"""torch itself: processes that are forked, and meet in a file; DDP and FSDP2 between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from harness.engines import Engine, register

if TYPE_CHECKING:
    import torch

    from harness.distributed.assemble import Change
    from harness.distributed.split import Split
    from harness.model.transformer import Transformer


@register("torch", "torch's own: DDP, FSDP2, DTensor, pipelines")
class Torch(Engine):
    """All ways to split."""

    def assemble(
        self,
        core: Transformer,
        degrees: Mapping[str, int],
        changes: Iterable[Change],
        device: torch.device,
        *,
        trains: bool,
    ) -> Split:
        """As the strategies make it."""
        from harness.distributed.assemble import split_model

        return split_model(core, degrees, changes, device, trains=trains)
