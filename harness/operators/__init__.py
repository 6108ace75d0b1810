"""How a layer mixes tokens.

An entry is one file, or a package that also holds the mixing module.
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
    """A way for a layer to let each token see the tokens before it.

    Layers are numbered from 0. A method's answer may differ from layer to layer.
    """

    gpt2_layout: ClassVar[bool] = False  # whether it has the projections of GPT-2's attention

    @property
    def cycle(self) -> int:
        """The period of the layers: layer i is like layer i + cycle."""
        return 1

    @property
    def sequential(self) -> bool:
        """True if even a prefill goes token by token, as a recurrence does."""
        return False

    bidirectional: ClassVar[bool] = False  # whether it has `unmasked`; set from the class body

    def __init_subclass__(cls, **options: Any) -> None:
        """A subclass that defines `mixer` does not inherit `unmasked`; it may define its own."""
        super().__init_subclass__(**options)
        if "mixer" in vars(cls) and "unmasked" not in vars(cls):
            cls.unmasked = Operator.unmasked  # type: ignore[method-assign]  # refuse again
        cls.bidirectional = cls.unmasked is not Operator.unmasked

    def unmasked(self, shape: Shape, layer: int) -> TokenMixer:
        """The mixer of an encoder's layer, where each token sees all tokens; it gets no state.

        It has the parameters of `mixer`, and on T tokens the FLOPs of T new tokens after none.
        By default the operator is causal, and this raises Unsupported.
        """
        raise Unsupported(f"{self.name} is causal: each token sees only the tokens before it")

    @abstractmethod
    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """The module that mixes tokens in this layer."""

    @abstractmethod
    def parameters(self, shape: Shape, layer: int) -> int:
        """Parameters of this layer's mixer, including projections and biases."""

    @abstractmethod
    def flops(self, shape: Shape, layer: int, batch: int, new: int, past: int) -> int:
        """Matrix FLOPs of this layer's mixer for `new` tokens per sequence after `past` tokens.

        Count two FLOPs per multiply-add, including projections. Leave out softmax and element-wise
        work.
        """

    @abstractmethod
    def state_bytes(
        self, shape: Shape, layer: int, batch: int, capacity: int, element: float
    ) -> float:
        """Bytes of this layer's decode state (for attention: the KV cache).

        `capacity` is in tokens per sequence, `element` in bytes per number.
        """

    def recomputed(self, shape: Shape, layer: int, batch: int, new: int) -> int:
        """Matrix FLOPs that the backward pass repeats because the forward pass kept no result.

        They count as hardware FLOPs, not as model FLOPs (PaLM, arXiv 2204.02311, App. B), so no
        other figure includes them.
        """
        return 0

    def exact(self, shape: Shape, length: int) -> bool:
        """True if it equals full softmax attention over `length` tokens, up to rounding."""
        return False

    def untrainable(self, cell: Cell, host: Host) -> str | None:
        """Why the cell's model cannot be trained; called only if the scenario trains."""
        return None

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """By default refuses weights files unless `gpt2_layout`: they hold GPT-2's projections."""
        if dict(cell.model.options).get("weights") and not self.gpt2_layout:
            return f"weights in GPT-2's layout do not fit {self.name}, which has other projections"
        return super().unsupported(cell, host)


def shape_of(cell: Cell) -> Shape:
    """The dimensions of a cell's model."""
    return Shape.model_validate(dict(cell.model.options))


registry: Registry[Operator] = Registry("operator", "operators")
register = registry.register
