"""How a layer mixes tokens. One file an entry."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from harness.domain.entry import Entry
from harness.errors import Unsupported
from harness.model.shape import Shape
from harness.registry import Registry

if TYPE_CHECKING:
    from harness.model.mixer import TokenMixer


class Operator(Entry):
    """A way for a layer to let each token see the ones before it."""

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
        """The module that mixes tokens in that layer (0 is the first)."""

    @abstractmethod
    def parameters(self, shape: Shape) -> int:
        """Parameters of one layer's mixer, projections and biases included."""

    @abstractmethod
    def flops(self, shape: Shape, batch: int, new: int, past: int) -> int:
        """Matrix FLOPs of one layer's mixer over `new` tokens a sequence after `past` ones.

        Two FLOPs a multiply-add; projections included; softmax and element-wise work not.
        """

    @abstractmethod
    def state_bytes(self, shape: Shape, batch: int, capacity: int, element: float) -> float:
        """Bytes of one layer's decode state (for attention: the KV cache).

        `capacity` is in tokens a sequence, `element` in bytes a number.
        """


registry: Registry[Operator] = Registry("operator", "operators")
register = registry.register
