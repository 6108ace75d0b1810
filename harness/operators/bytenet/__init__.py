"""bytenet: causal convolutions whose reach grows exponentially with depth.

A residual block of ByteNet's decoder: narrow to half the width, convolve, widen. The norm before it
and the sum after it are the Transformer's own. Time O(T D^2) for a prefill of T tokens and O(D^2)
for a decode step; memory O(T D k), and a decode state of the last (k - 1) x dilation tokens.
Layer i has the i-th of `dilations`, which repeat: by default 1, 2, 4, 8, 16. With a kernel of 3,
five layers then reach 62 tokens back.

It cannot learn what depends on a token beyond its reach. Nor can it weight tokens by their content:
the weights depend on positions only. Kalchbrenner et al. 2016
(arXiv 1610.10099).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.domain.entry import Options
from harness.model.shape import Shape
from harness.operators import Operator, register

if TYPE_CHECKING:
    from harness.model.mixer import TokenMixer

Dilation = Annotated[int, Field(ge=1, le=10**6)]


@register("bytenet", "causal dilated convolutions, linear in the length")
class Bytenet(Operator):
    """A convolution between two projections."""

    class Options(Options):
        """The tokens that a convolution sees."""

        kernel: int = Field(3, ge=2, le=1000, description="tokens that a convolution sees")
        dilations: tuple[Dilation, ...] = Field(
            (1, 2, 4, 8, 16),
            min_length=1,
            max_length=1000,
            description="distance between those tokens, by layer; the list repeats",
        )

    @property
    def _kernel(self) -> int:
        kernel: int = self.options.kernel
        return kernel

    @property
    def cycle(self) -> int:
        """The dilations repeat."""
        return len(self.options.dilations)

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """The convolution with the layer's dilation."""
        from harness.operators.bytenet.mixer import DilatedConvolution

        return DilatedConvolution(shape, self._kernel, self._dilation(layer))

    def parameters(self, shape: Shape, layer: int) -> int:
        """At half the width d: projections 2 D d + D + d, convolution k d^2 + d, two norms 4 d."""
        inner = self._inner(shape)
        projections = 2 * shape.d_model * inner + shape.d_model + inner
        return projections + self._kernel * inner**2 + inner + 4 * inner

    def flops(self, shape: Shape, layer: int, batch: int, new: int, past: int) -> int:
        """Per token, 4 D d for two projections and 2 k d^2 for the convolution."""
        inner = self._inner(shape)
        return batch * new * inner * (4 * shape.d_model + 2 * self._kernel * inner)

    def state_bytes(
        self, shape: Shape, layer: int, batch: int, capacity: int, element: float
    ) -> float:
        """The tokens within the convolution's reach, at half the width."""
        reach = (self._kernel - 1) * self._dilation(layer)
        return batch * reach * self._inner(shape) * element

    def _dilation(self, layer: int) -> int:
        dilation: int = self.options.dilations[layer % self.cycle]
        return dilation

    @staticmethod
    def _inner(shape: Shape) -> int:
        return max(1, shape.d_model // 2)
