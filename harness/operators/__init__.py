"""How a layer mixes tokens. One file an entry."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from harness.domain.entry import Entry
from harness.model.shape import Shape
from harness.registry import Registry

if TYPE_CHECKING:
    from harness.model.mixer import TokenMixer


class Operator(Entry):
    """A way for a layer to let each token see the ones before it."""

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
