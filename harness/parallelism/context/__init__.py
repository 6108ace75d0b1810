"""Context parallel: a sequence is split over processes, which pass keys and values in a ring.

Every process holds the whole model. A layer's pass sends its keys and values n - 1 times, 2 B T D
/ n numbers each time and process; training averages gradients as data parallel does. In decode each
process attends to the part of the cache that the prompt left with it. Liu et al. 2023 (arXiv
2310.01889). Built over torch's own point-to-point calls: its context parallel does not run on CPU.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from harness import hardware
from harness.domain.cell import Cell
from harness.domain.entry import Options
from harness.domain.run import Host
from harness.parallelism import Parallelism, register

if TYPE_CHECKING:
    from harness.distributed.split import Split

_OPERATORS = ("gqa", "mqa", "sdpa")  # what the ring computes: exact, fused, heads grouped or not


@register("context", "a share of every sequence each, keys and values in a ring")
class Context(Parallelism):
    """Ring attention with the same work for all."""

    class Options(Options):
        """How many shares."""

        degree: int = Field(
            ge=1, le=4096, description="processes; twice as many must divide the prompt"
        )

    applied = 2
    modules = ("harness.parallelism.context.sequence",)
    replicates = True

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """Exact attention over chunks of equal length, two a process; on CPU."""
        if cell.operator.name not in _OPERATORS:
            able = ", ".join(_OPERATORS)
            return f"context's ring attends exactly: it takes {able}, no {cell.operator}"
        if hardware.registry.of(cell.hardware).kind != "cpu":
            return "context's ring is built on torch's attention kernel for CPU"
        if cell.precision.name == "fp16":
            return "context's ring takes fp32 and bf16, no fp16"
        chunks, prompt = 2 * self.degree, cell.load["prompt"]
        if prompt % chunks:
            return (
                f"context {self.degree} cuts a prompt into {chunks} chunks: {prompt} is no multiple"
            )
        return super().unsupported(cell, host)

    def apply(self, split: Split) -> None:
        """Split the sequence."""
        from harness.parallelism.context.sequence import split_sequence

        split_sequence(split)
