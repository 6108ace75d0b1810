"""Tensor parallel: every matrix is split; each process has some heads and hidden units.

The forward pass ends each of a block's two sub-layers with an all-reduce of the activations
[B, T, D]; the backward pass has one at the start of each. With `sequence`, an all-gather and a
reduce-scatter of as many bytes replace it, and norms work on a share of the tokens. Shoeybi et al.
2019 (Megatron-LM, arXiv 1909.08053); Korthikanti et al. 2022 (arXiv 2205.05198).
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


@register("tensor", "every matrix is split; each process has some heads and hidden units (DTensor)")
class Tensor(Parallelism):
    """torch's parallelize_module over all matrices, including embedding and head."""

    class Options(Options):
        """The number of processes, and whether norms are split too."""

        degree: int = Field(ge=1, le=4096, description="processes; must divide the heads")
        sequence: bool = Field(
            False, description="in training, split norms and residuals by tokens too"
        )

    applied = 1
    modules = ("harness.parallelism.tensor.matrices",)

    @property
    def only_trains(self) -> bool:
        """Sequence parallelism only trains: it cannot split the single token of a decode step."""
        sequence: bool = self.options.sequence
        return sequence

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """The degree must divide heads and hidden units, and with `sequence` the prompt."""
        shape = dimensions_of(cell.model)
        for what, count in (("heads", shape.heads), ("hidden units", shape.width)):
            if count % self.degree:
                return f"tensor {self.degree} does not divide the model's {count} {what}"
        if not self.options.sequence:
            return super().unsupported(cell, host)
        pieces = self.degree * degrees(cell).get("context", 1)
        if (prompt := cell.load["prompt"]) % pieces:
            return (
                f"sequence: true cuts a prompt into {pieces} equal pieces: "
                f"{pieces} does not divide {prompt}"
            )
        return super().unsupported(cell, host)

    def apply(self, split: Split) -> None:
        """Split the matrices."""
        from harness.parallelism.tensor.matrices import split_matrices

        split_matrices(split, sequence=self.options.sequence)
