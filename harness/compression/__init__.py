"""Ways to make the model smaller or cheaper before it runs.

An entry is one file, or a package that also holds the layers it puts into the model.
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
    """A compression's place in a composition, in which each works on the previous result."""

    MODEL = 1  # replaces the model
    STRUCTURE = 2  # removes or shares whole parts
    RANK = 3  # factorises matrices
    SPARSITY = 4  # changes weights in place, mostly to zero
    RECOVERY = 5  # trains what is left
    FORMAT = 6  # stores numbers in fewer bits
    STATE = 7  # compresses the decode state; weights do not change


class Compression(Entry):
    """A transformation of a loaded model; several compose, in order."""

    stage: ClassVar[Stage] = Stage.SPARSITY
    differentiable: ClassVar[bool] = True  # whether the compressed model can be trained
    # The format of its matrix products, e.g. "int8"; None keeps the cell's precision.
    computes: ClassVar[str | None] = None
    final: ClassVar[bool] = False  # whether the weights of its layers can no longer change
    trains: ClassVar[bool] = False  # whether it trains, which needs trained weights to start from
    # The layer classes that it puts into a model, as `package.module:Class`: each a PackedLinear or
    # a ComposedLinear (harness/model/packed.py). Model files with such layers load through them.
    layers: ClassVar[tuple[str, ...]] = ()
    decoders: ClassVar[bool] = False  # whether it takes decoders only
    # Whether it rounds activations or the decode state, so that decode steps differ from a prefill.
    rounds: ClassVar[bool] = False
    alike: ClassVar[bool] = False  # whether all layers must use the same operator
    # True if it changes Linear layers alone, and so takes any torch module that has some.
    any_module: ClassVar[bool] = False

    @abstractmethod
    def apply(self, model: Transformer, text: Text) -> Transformer:
        """Returns the compressed model; it may change the given model, which is not used again.

        The model is in fp32; the result is cast to the cell's precision. `text` is for calibration
        and training.
        """

    def training_tokens(self) -> int:
        """The number of tokens that it trains on; the plan estimates its time from them."""
        return 0

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """By default checks `trains` and `decoders`."""
        options = dict(cell.model.options)
        if self.trains and not options.get("weights"):
            return f"{self.name} trains from the model's weights, and random weights know nothing"
        if self.decoders and cell.model.name != "decoder":
            return f"{self.name} takes decoders only, not {cell.model.name}"
        return super().unsupported(cell, host)


registry: Registry[Compression] = Registry("compression", "compression")
register = registry.register


def layers_of(entries: Iterable[type[Compression]]) -> list[LayerKind]:
    """The layer classes of these compressions, which a compressed model's file may hold."""
    return [resolve_name(name) for entry in entries for name in entry.layers]


def compute_format(cell: Cell) -> str:
    """The format of the cell's matrix products: of the last compression that sets one."""
    formats = [registry[choice.name].computes for choice in cell.compression]
    return next((one for one in reversed(formats) if one), cell.precision.name)


def misplaced(entries: Sequence[type[Compression]]) -> tuple[int, str] | None:
    """The first entry that is out of place in a composition, and why; None if all are in place.

    Stages go in order, and only one entry may set a number format. The entry that compresses the
    decode state may stand anywhere, once.
    """
    for place, entry in enumerate(entries):
        for before in entries[:place]:
            if reason := _clash(before, entry):
                return place, reason
    return None


def _clash(before: type[Compression], entry: type[Compression]) -> str | None:
    once = (Stage.MODEL, Stage.FORMAT, Stage.STATE)
    if before.stage is entry.stage and entry.stage in once:
        what = {
            Stage.MODEL: "replaces the model",
            Stage.FORMAT: "sets the number format",
            Stage.STATE: "compresses the decode state",
        }
        return f"{before.name} already {what[entry.stage]}: leave one of them out"
    if Stage.STATE in {before.stage, entry.stage}:
        return None
    if before.final and entry.stage is not Stage.RECOVERY:
        return f"{entry.name} cannot change the layers of {before.name}: leave one of them out"
    if before.stage > entry.stage:
        return (
            f"{entry.name} changes what {before.name} works on, so it must come first: "
            f"[{entry.name}, {before.name}]"
        )
    return None
