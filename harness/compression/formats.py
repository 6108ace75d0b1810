"""What compressions share: where kernels run, text to calibrate on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import hardware
from harness.domain.cell import Cell

if TYPE_CHECKING:
    import torch

    from harness.model.language import LanguageModel
    from harness.quality.text import Text

_LONGEST = 256  # tokens of a sequence to calibrate on


def on_cpu(name: str, cell: Cell) -> str | None:
    """Why the cell's hardware has no kernel; None where it has."""
    on_cpu = hardware.registry.of(cell.hardware).kind == "cpu"
    return None if on_cpu else f"{name} has kernels for CPU only"


def on_cpu_in_fp32(name: str, cell: Cell) -> str | None:
    """The same for kernels that take fp32 activations alone."""
    if cell.precision.name != "fp32":
        return f"{name} kernels take fp32 activations, not {cell.precision.name}"
    return on_cpu(name, cell)


def calibration(model: LanguageModel, text: Text, sequences: int) -> torch.Tensor:
    """[N, T] token ids to watch the model read, on its device."""
    length = min(_LONGEST, model.shape.context)
    return text.sequences("calibration", sequences, length).to(next(model.parameters()).device)
