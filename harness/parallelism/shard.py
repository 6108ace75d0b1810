"""Sharded data parallel: parameters, gradients and moments are split, and gathered to be used.

A step gathers every parameter twice, before the forward and before the backward pass, and reduces
and scatters every gradient once: half as much again as data parallel sends, for 1 / n of the
memory. Rajbhandari et al. 2020 (ZeRO, arXiv 1910.02054); Zhao et al. 2023 (FSDP, arXiv 2304.11277).
"""

from __future__ import annotations

from pydantic import Field

from harness.domain.entry import Options
from harness.parallelism import Replicas, register


@register("shard", "a share of the batch each, parameters and optimizer split as well (FSDP2)")
class Sharded(Replicas):
    """torch's fully_shard, block by block."""

    class Options(Options):
        """How many shares."""

        degree: int = Field(ge=1, le=4096, description="processes; must divide the batch")

    @property
    def only_trains(self) -> bool:
        """What it splits is mostly training's; inference has replicas."""
        return True
