"""A strategy from an outside package: one rank misbehaves in the middle of the work."""

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

_AT = 4  # rank 1 misbehaves in this pass over the model


@register("trouble", "rank 1 misbehaves in the middle of the work")
class Trouble(Parallelism):
    """Faults of a single rank that have nothing to do with the model."""

    class Options(Options):
        """Which fault."""

        kind: Literal["raises", "hangs", "dies", "errs"] = Field(description="what rank 1 does")

    short = "kind"
    decoders = False

    def apply(self, split: Split) -> None:
        """Hooks rank 1's model to misbehave in pass _AT."""
        if dist.get_rank() != 1:
            return
        if self.options.kind == "errs":
            # This rank computes a different model, which averaging gradients cannot correct.
            split.core.register_forward_hook(lambda *given: given[-1] * 1.01)
            return
        passes = 0

        def count(*_: object) -> None:
            nonlocal passes
            passes += 1
            if passes == _AT:
                self._misbehave()

        split.core.register_forward_pre_hook(count)

    def _misbehave(self) -> None:
        if self.options.kind == "raises":
            raise ValueError("mischief managed")
        if self.options.kind == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(3600)
