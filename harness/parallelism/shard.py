"""Sharded data parallel: parameters, gradients and moments are split, and gathered for use.

A step gathers every parameter twice, before the forward and before the backward pass, and
reduce-scatters every gradient once: 1.5 times the bytes of data parallel, for 1 / n of the memory.
Rajbhandari et al. 2020 (ZeRO, arXiv 1910.02054); Zhao et al. 2023 (FSDP, arXiv 2304.11277).
"""

from __future__ import annotations

from pydantic import Field

from harness.domain.entry import Options
from harness.parallelism import Replicas, register


@register(
    "shard", "each process takes a share of the batch and of the parameters and optimizer (FSDP2)"
)
class Sharded(Replicas):
    """torch's fully_shard, block by block."""

    class Options(Options):
        """The number of shards."""

        degree: int = Field(ge=1, le=4096, description="processes; must divide the batch")

    @property
    def only_trains(self) -> bool:
        """Gradients and optimizer state exist in training only; inference uses replicas."""
        return True
