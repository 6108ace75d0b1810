"""Shared by compressions: where kernels run, and calibration text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import hardware
from harness.domain.cell import Cell

if TYPE_CHECKING:
    import torch

    from harness.model.language import LanguageModel
    from harness.quality.text import Text

_LONGEST = 256  # tokens in a calibration sequence


def on_cpu(name: str, cell: Cell) -> str | None:
    """Why the cell's hardware has no kernel; None if it has one."""
    on_cpu = hardware.registry.of(cell.hardware).kind == "cpu"
    return None if on_cpu else f"{name} has kernels for CPU only"


def on_cpu_in_fp32(name: str, cell: Cell) -> str | None:
    """The same for kernels that take fp32 activations only."""
    if cell.precision.name != "fp32":
        return f"{name} kernels take fp32 activations, not {cell.precision.name}"
    return on_cpu(name, cell)


def calibration(model: LanguageModel, text: Text, sequences: int) -> torch.Tensor:
    """Calibration token ids [N, T], on the model's device."""
    length = min(_LONGEST, model.shape.context)
    return text.sequences("calibration", sequences, length).to(next(model.parameters()).device)
