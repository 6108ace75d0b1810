"""Tensor parallel: every matrix is split, heads and hidden units each on one process.

A pass ends each of a block's two sub-layers with one all-reduce of the activations [B, T, D], and
so does the backward pass at their beginnings; with `sequence` an all-gather and a reduce-scatter of
as many bytes take its place, and norms work on a share of the tokens. Shoeybi et al. 2019
(Megatron-LM, arXiv 1909.08053); Korthikanti et al. 2022 (arXiv 2205.05198).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from harness.domain.cell import Cell
from harness.domain.entry import Options
from harness.domain.run import Host
from harness.model.architectures import dimensions_of
from harness.parallelism import Parallelism, degrees, register

if TYPE_CHECKING:
    from harness.distributed.split import Split


@register("tensor", "every matrix split, heads and hidden units each on one process (DTensor)")
class Tensor(Parallelism):
    """torch's parallelize_module over all matrices, the vocabulary's among them."""

    class Options(Options):
        """How many processes, and whether norms are split too."""

        degree: int = Field(ge=1, le=4096, description="processes; must divide the heads")
        sequence: bool = Field(
            False, description="in training, split norms and residuals too, by tokens"
        )

    applied = 1
    modules = ("harness.parallelism.tensor.matrices",)

    @property
    def only_trains(self) -> bool:
        """A single token cannot be split, as sequence parallelism would."""
        sequence: bool = self.options.sequence
        return sequence

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """Whole heads and units on each, and whole tokens."""
        shape = dimensions_of(cell.model)
        for what, count in (("heads", shape.heads), ("hidden units", shape.width)):
            if count % self.degree:
                return f"tensor {self.degree} does not divide the model's {count} {what}"
        if not self.options.sequence:
            return super().unsupported(cell, host)
        pieces = self.degree * degrees(cell).get("context", 1)
        if cell.load["prompt"] % pieces:
            return f"sequence: true cuts {cell.load['prompt']} tokens into {pieces} pieces unevenly"
        return super().unsupported(cell, host)

    def apply(self, split: Split) -> None:
        """Split the matrices."""
        from harness.parallelism.tensor.matrices import split_matrices

        split_matrices(split, sequence=self.options.sequence)
