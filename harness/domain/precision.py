"""The number formats that a model can run in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Precision:
    """A number format of weights and activations."""

    name: str
    bits: int
    dtype: str  # its attribute of the torch module
    summary: str
    # How far apart the logits of two correct implementations may be, as a share of their norm:
    # they sum in different orders and round at each operation.
    tolerance: float

    @property
    def bytes(self) -> float:
        """The bytes that one number takes."""
        return self.bits / 8


PRECISIONS = {
    precision.name: precision
    for precision in (
        Precision("fp32", 32, "float32", "IEEE single precision: the reference", 1e-3),
        Precision("bf16", 16, "bfloat16", "bfloat16: the range of fp32 in half the bytes", 5e-2),
    )
}
