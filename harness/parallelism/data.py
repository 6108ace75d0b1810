"""Data parallel: every process holds the whole model and takes a share of the batch.

In training the gradients are averaged by all-reduce while the backward pass still runs
(Li et al. 2020, "PyTorch Distributed", arXiv 2006.15704). A step reduces every gradient once: as
many bytes as the parameters take. In inference the replicas exchange nothing.
"""

from __future__ import annotations

from pydantic import Field

from harness.domain.entry import Options
from harness.parallelism import Replicas, register


@register("data", "every process holds the model and takes a share of the batch (DDP)")
class Data(Replicas):
    """One replica of the model in each of `degree` processes."""

    class Options(Options):
        """The number of replicas."""

        degree: int = Field(ge=1, le=4096, description="processes; must divide the batch")

    replicates = True
    decoders = False
