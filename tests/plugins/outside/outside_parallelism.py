"""A strategy as an outside package adds it: mischief on one rank, in the midst of the work."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Literal

import torch.distributed as dist
from pydantic import Field

from harness.domain.entry import Options
from harness.parallelism import Parallelism, register

if TYPE_CHECKING:
    from harness.distributed.split import Split

_AT = 4  # which pass over the model


@register("trouble", "rank 1 misbehaves in the midst of the work")
class Trouble(Parallelism):
    """What else than the model may go wrong on one of several processes."""

    class Options(Options):
        """What happens."""

        kind: Literal["raises", "hangs", "dies", "errs"] = Field(description="what rank 1 does")

    short = "kind"
    decoders = False

    def apply(self, split: Split) -> None:
        """Wait for the moment."""
        if dist.get_rank() != 1:
            return
        if self.options.kind == "errs":
            # Past what averages gradients, so that this rank learns from another model.
            split.core.register_forward_hook(lambda *told: told[-1] * 1.01)
            return
        passes = 0

        def look(*_: object) -> None:
            nonlocal passes
            passes += 1
            if passes == _AT:
                self._misbehave()

        split.core.register_forward_pre_hook(look)

    def _misbehave(self) -> None:
        if self.options.kind == "raises":
            raise ValueError("mischief managed")
        if self.options.kind == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(3600)
