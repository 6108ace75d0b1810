"""How a layer mixes tokens.

An entry is one file, or a package with the module that does the mixing.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from harness.domain.cell import Cell
from harness.domain.entry import Entry
from harness.domain.run import Host
from harness.errors import Unsupported
from harness.model.shape import Shape
from harness.registry import Registry

if TYPE_CHECKING:
    from harness.model.mixer import TokenMixer


class Operator(Entry):
    """A way for a layer to let each token see the ones before it.

    Layers are numbered from 0, the first. What a method tells of one need not hold for another.
    """

    gpt2_layout: ClassVar[bool] = False  # whether it has the projections of GPT-2's attention

    @property
    def cycle(self) -> int:
        """After how many layers they are alike again: layer i is like layer i + cycle."""
        return 1

    @property
    def sequential(self) -> bool:
        """Whether even its parallel form goes token by token, as a recurrence must."""
        return False

    bidirectional: ClassVar[bool] = False  # whether it has `unmasked`; told by what a class defines

    def __init_subclass__(cls, **options: Any) -> None:
        """Who mixes in a way of its own inherits no other's `unmasked`, but may have its own."""
        super().__init_subclass__(**options)
        if "mixer" in vars(cls) and "unmasked" not in vars(cls):
            cls.unmasked = Operator.unmasked  # type: ignore[method-assign]  # back to refusing
        cls.bidirectional = cls.unmasked is not Operator.unmasked

    def unmasked(self, shape: Shape, layer: int) -> TokenMixer:
        """The mixer of an encoder's layer, where each token sees all; never given a state.

        It has the parameters of `mixer`, and over T tokens the FLOPs of T new ones after none.
        Unsupported where the operator is causal by its nature, as it is unless this is defined.
        """
        raise Unsupported(f"{self.name} lets a token see only those before it")

    @abstractmethod
    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """The module that mixes tokens in that layer."""

    @abstractmethod
    def parameters(self, shape: Shape, layer: int) -> int:
        """Parameters of that layer's mixer, projections and biases included."""

    @abstractmethod
    def flops(self, shape: Shape, layer: int, batch: int, new: int, past: int) -> int:
        """Matrix FLOPs of that layer's mixer over `new` tokens a sequence after `past` ones.

        Two FLOPs a multiply-add; projections included; softmax and element-wise work not.
        """

    @abstractmethod
    def state_bytes(
        self, shape: Shape, layer: int, batch: int, capacity: int, element: float
    ) -> float:
        """Bytes of that layer's decode state (for attention: the KV cache).

        `capacity` is in tokens a sequence, `element` in bytes a number.
        """

    def recomputed(self, shape: Shape, layer: int, batch: int, new: int) -> int:
        """Matrix FLOPs that a backward pass does again, of what the forward pass did not keep.

        They are hardware's, not the model's (PaLM, arXiv 2204.02311, App. B), so that no other
        figure counts them.
        """
        return 0

    def exact(self, shape: Shape, length: int) -> bool:
        """Whether over `length` tokens it is softmax attention to all before, but for rounding."""
        return False

    def untrainable(self, cell: Cell, host: Host) -> str | None:
        """Why the cell's model cannot be trained; asked only where the scenario trains."""
        return None

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """Files of weights hold attention's projections, which not every operator has."""
        if dict(cell.model.options).get("weights") and not self.gpt2_layout:
            return f"weights in GPT-2's layout do not fit {self.name}: its projections are others"
        return super().unsupported(cell, host)


def shape_of(cell: Cell) -> Shape:
    """The dimensions of a cell's model."""
    return Shape.model_validate(dict(cell.model.options))


registry: Registry[Operator] = Registry("operator", "operators")
register = registry.register
