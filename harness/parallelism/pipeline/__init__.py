"""Pipeline parallelism: each process holds some layers and sends activations to the next.

In training a batch is cut into m microbatches, which go through the stages one after another. From
stage to stage each microbatch sends its activations, B T D / m numbers, and their gradients. A
process waits for its neighbours' data: the bubble (group.py has its theoretical share of the time).
In inference the batch is not cut. Huang et al. 2019 (GPipe, arXiv 1811.06965); Narayanan et al.
2021 (interleaved, arXiv 2104.04473); Qi et al. 2023 (zero bubble, arXiv 2401.10241).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from harness.domain.cell import Cell
from harness.domain.entry import Options
from harness.domain.run import Host
from harness.model.architectures import dimensions_of
from harness.parallelism import Parallelism, register

if TYPE_CHECKING:
    from harness.distributed.split import Split

_TWO_STAGES = ("interleaved", "zero-bubble")  # schedules with two stages per process


@register(
    "pipeline",
    "each process holds some layers and sends activations on (torch.distributed.pipelining)",
)
class Pipeline(Parallelism):
    """torch's schedules over stages of nearly equal numbers of layers."""

    class Options(Options):
        """The number of processes, and the order of their passes."""

        degree: int = Field(ge=1, le=4096, description="processes; at most one per layer")
        schedule: Literal["gpipe", "1f1b", "interleaved", "zero-bubble"] = Field(
            "1f1b", description="in training, the order of forward and backward passes"
        )
        microbatches: int = Field(
            4, ge=1, le=4096, description="in training, pieces of a process's batch; must divide it"
        )

    applied = 3
    modules = ("harness.parallelism.pipeline.stages",)

    @property
    def cuts(self) -> int:
        """One piece per microbatch."""
        microbatches: int = self.options.microbatches
        return microbatches

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """Needs a layer for each stage, and enough microbatches."""
        schedule, pieces = self.options.schedule, self.options.microbatches
        stages = self.degree * (2 if schedule in _TWO_STAGES else 1)
        layers = dimensions_of(cell.model).layers
        if layers < stages:
            over = f"{schedule} over {self.degree} processes"
            return f"{over} has {stages} stages; the model has {layers} layers"
        if schedule in _TWO_STAGES and pieces % self.degree:
            return f"{schedule} takes a multiple of {self.degree} microbatches, not {pieces}"
        if pieces < self.degree:
            return f"{self.degree} processes take at least as many microbatches, not {pieces}"
        names = {choice.name for choice in cell.parallelism}
        if "accumulate" in names:
            return "a pipeline accumulates over its microbatches: leave out accumulate"
        if schedule == "zero-bubble" and "recompute" in names:
            return "zero-bubble has two backward passes, and recomputation serves only one"
        return super().unsupported(cell, host)

    def apply(self, split: Split) -> None:
        """Keep this process's layers."""
        from harness.parallelism.pipeline.stages import split_layers

        split_layers(split, schedule=self.options.schedule, microbatches=self.options.microbatches)
