"""Ways to make the model smaller or cheaper before it runs.

An entry is one file, or a package with the layers that it puts into the model.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from enum import IntEnum
from pkgutil import resolve_name
from typing import TYPE_CHECKING, ClassVar

from harness.domain.cell import Cell
from harness.domain.entry import Entry
from harness.domain.run import Host
from harness.registry import Registry

if TYPE_CHECKING:
    from harness.model.packed import LayerKind
    from harness.model.transformer import Transformer
    from harness.quality.text import Text


class Stage(IntEnum):
    """What a compression works on. In a composition each works on what the ones before left."""

    MODEL = 1  # puts another model in its place
    STRUCTURE = 2  # takes out or shares whole parts
    RANK = 3  # splits matrices
    SPARSITY = 4  # changes numbers where they stand, most to zero
    RECOVERY = 5  # teaches what is left
    FORMAT = 6  # keeps numbers in fewer bits
    STATE = 7  # works on the decode state: the weights stay as they are


class Compression(Entry):
    """A transformation of a loaded model; several compose, in order."""

    stage: ClassVar[Stage] = Stage.SPARSITY
    differentiable: ClassVar[bool] = True  # whether the compressed model can be trained
    # The format its matrix products run in, e.g. "int8"; None leaves the cell's precision.
    computes: ClassVar[str | None] = None
    final: ClassVar[bool] = False  # whether its layers can take no further change of weights
    trains: ClassVar[bool] = False  # whether it learns, which takes a model that knows something
    # The layers of its own that it puts into a model, as `package.module:Class`: each a
    # PackedLinear or a ComposedLinear (harness/model/packed.py). Files that hold one need it.
    layers: ClassVar[tuple[str, ...]] = ()
    decoders: ClassVar[bool] = False  # whether it is for decoders alone
    # Whether it rounds activations or the decode state: a step then differs from a prefill by it.
    rounds: ClassVar[bool] = False
    alike: ClassVar[bool] = False  # whether all layers must mix tokens in the same way
    # True if it changes Linear layers alone, and so takes any torch module that has some.
    any_module: ClassVar[bool] = False

    @abstractmethod
    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The compressed model; the one given may be changed in place and is not used again.

        The model is in fp32; what comes out is cast to the cell's precision. `text` is what the
        model is calibrated on, or taught with.
        """

    def tokens_learned(self) -> int:
        """How many tokens it learns from, for the time that a plan expects."""
        return 0

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """What every compression of its kind cannot do."""
        options = dict(cell.model.options)
        if self.trains and not options.get("weights"):
            return f"{self.name} learns from the model, and random weights know nothing"
        if self.decoders and cell.model.name != "decoder":
            return f"{self.name} is for decoders; this model is an {cell.model.name}"
        return super().unsupported(cell, host)


registry: Registry[Compression] = Registry("compression", "compression")
register = registry.register


def layers_of(entries: Iterable[type[Compression]]) -> list[LayerKind]:
    """Every layer of their own, which the file of a model that they compressed may hold."""
    return [resolve_name(name) for entry in entries for name in entry.layers]


def compute_format(cell: Cell) -> str:
    """The format the cell's matrix products run in: what its last compression says, if any does."""
    told = [registry[choice.name].computes for choice in cell.compression]
    return next((one for one in reversed(told) if one), cell.precision.name)


def misplaced(entries: Sequence[type[Compression]]) -> tuple[int, str] | None:
    """Which of a composition's entries cannot stand where it does, and why; None where all can.

    The decode state may be compressed at any place, once; all else goes by stages, at most one
    format among it.
    """
    for place, entry in enumerate(entries):
        for before in entries[:place]:
            if reason := _clash(before, entry):
                return place, reason
    return None


def _clash(before: type[Compression], entry: type[Compression]) -> str | None:
    once = (Stage.MODEL, Stage.FORMAT, Stage.STATE)
    if before.stage is entry.stage and entry.stage in once:
        what = {Stage.MODEL: "a model", Stage.FORMAT: "a number format", Stage.STATE: "a state"}
        return f"{before.name} has already given the model {what[entry.stage]} of its own"
    if Stage.STATE in {before.stage, entry.stage}:
        return None
    if before.final and entry.stage is not Stage.RECOVERY:
        return f"the layers of {before.name} take no {entry.name}: leave one of them out"
    if before.stage > entry.stage:
        return (
            f"{entry.name} changes what {before.name} works on, and must stand before it: "
            f"[{entry.name}, {before.name}]"
        )
    return None
