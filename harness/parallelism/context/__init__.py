"""Context parallel: a sequence is split over processes, which pass keys and values in a ring.

Every process holds the whole model. In each layer a process sends keys and values n - 1 times,
2 B T D / n numbers each time. Training averages gradients, as in data parallel. In decode each
process attends to its own part of the KV cache. Liu et al. 2023 (arXiv 2310.01889). The ring uses
torch's point-to-point calls, because torch's context parallel does not run on CPU.
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

_OPERATORS = ("gqa", "mqa", "sdpa")  # exact attention by a fused kernel, as the ring computes it


@register(
    "context", "each process takes a share of every sequence; keys and values go round in a ring"
)
class Context(Parallelism):
    """Ring attention with equal work for all ranks."""

    class Options(Options):
        """The number of shares."""

        degree: int = Field(
            ge=1, le=4096, description="processes; twice as many must divide the prompt"
        )

    applied = 2
    modules = ("harness.parallelism.context.sequence",)
    replicates = True

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """Needs exact attention, a CPU, and a prompt that divides into two chunks per process."""
        if cell.operator.name not in _OPERATORS:
            able = ", ".join(_OPERATORS)
            return f"context takes exact attention only ({able}), not {cell.operator}"
        if hardware.registry.of(cell.hardware).kind != "cpu":
            return "context runs on CPU only: its ring uses torch's attention kernel for CPU"
        if cell.precision.name == "fp16":
            return "context takes fp32 and bf16, not fp16"
        chunks, prompt = 2 * self.degree, cell.load["prompt"]
        if prompt % chunks:
            return (
                f"context {self.degree} cuts a prompt into {chunks} equal chunks: "
                f"{chunks} does not divide {prompt}"
            )
        return super().unsupported(cell, host)

    def apply(self, split: Split) -> None:
        """Split the sequence."""
        from harness.parallelism.context.sequence import split_sequence

        split_sequence(split)
