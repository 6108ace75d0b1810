"""The table of axes: one row for each dimension of the matrix."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """One dimension of the matrix.

    Cell ids never change, because the history of a cell is found by its id. An id hashes the
    values of all `original` axes, defaults included. An axis that is added later is hashed and
    stored only where a cell differs from its default, so that cells measured before the axis
    existed keep their ids. An added axis must therefore have a default: what every cell did
    before the axis existed. That default never changes.
    """

    name: str
    about: str  # shown by editors and in errors
    default: str | None = None  # an entry's name, without options; None if a spec must name one
    composed: bool = False  # values are sequences of entries; `none` is the empty sequence
    original: bool = False

    def __post_init__(self) -> None:
        if self.default is None and not self.original:
            raise ValueError(f"the axis {self.name!r} needs a default: older cells have no value")
        if self.composed and self.default != NONE:
            raise ValueError(f"{self.name!r} is composed: its default must be {NONE!r}")


NONE = "none"  # how people write the empty composition

# Matrices multiply and cells are printed in this order; the last axis varies fastest.
AXES: dict[str, Axis] = {
    axis.name: axis
    for axis in (
        Axis(
            "model",
            "a named size, the dimensions of your own ({layers: 6, d_model: 384, heads: 6}), or a "
            "named size with other options ({name: gpt3-small, context: 512, "
            "weights: model.safetensors})",
            original=True,
        ),
        Axis(
            "hardware",
            "where it runs: a name, or {device: cpu, threads: 4}",
            default="local",
            original=True,
        ),
        Axis("scenario", "the work that is timed", original=True),
        Axis(
            "parallelism",
            "how the model is split over processes: none, or degrees such as {data: 2}",
            default=NONE,
            composed=True,
            original=True,
        ),
        Axis(
            "compression",
            "how the model is made smaller or cheaper; a nested list composes methods, in order",
            default=NONE,
            composed=True,
            original=True,
        ),
        Axis("operator", "how a layer mixes tokens", default="sdpa", original=True),
        Axis(
            "precision",
            "the number format of weights and activations",
            default="fp32",
            original=True,
        ),
        Axis("backend", "the runtime that executes the model", default="eager", original=True),
    )
}
