"""The table of axes: the dimensions of the matrix, one row each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """One dimension of the matrix.

    Ids never change, since histories are found by them. The ids of the `original` axes' first
    cells hash every value, defaults included, and so must all later ids. An axis that is added
    later is hashed, and stored, only where a cell differs from its default: every cell that was
    measured before the axis existed has that default, and keeps its id. So an added axis must
    have a default, which is what cells did before it, and which never changes.
    """

    name: str
    about: str  # for editors and errors
    default: str | None = None  # an entry's name, without options; None if a spec must give it
    composed: bool = False  # its values are sequences of entries; `none` is the empty one
    original: bool = False

    def __post_init__(self) -> None:
        if self.default is None and not self.original:
            raise ValueError(f"the axis {self.name!r} needs a default: older cells have no value")
        if self.composed and self.default != NONE:
            raise ValueError(f"the default of {self.name!r} is {NONE!r}: it is composed")


NONE = "none"  # the empty composition, as people write it

# In the order in which matrices multiply and cells are printed; the last one varies fastest.
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
        Axis("scenario", "what the model is made to do while the clock runs", original=True),
        Axis(
            "parallelism",
            "how it is split over processes: none, or degrees such as {data: 2}",
            default=NONE,
            composed=True,
            original=True,
        ),
        Axis(
            "compression",
            "how it is made smaller or cheaper; a list within the list composes, in order",
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
