"""lstm-naive: an LSTM written as its equations are, a small product for each gate and step.

Time O(T D^2) for a prefill of T tokens, in 8 T products that wait for each other, and O(D^2) for
a decode step; memory O(T D) in training, else O(D), which also is the decode state. Its gradient
is autograd's: the weights' is a sum of T small products. This is what `gemm-lstm`, which computes
the same, is measured against.

All of the past must fit into 2 D numbers, so it cannot recall many tokens far back. Hochreiter
and Schmidhuber 1997 (Neural Computation 9(8)), with the forget gate of Gers et al. 2000.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model.shape import Shape
from harness.operators import Operator, register

if TYPE_CHECKING:
    from harness.model.mixer import TokenMixer


class LstmOperator(Operator):
    """What an LSTM costs, however it is computed."""

    @property
    def sequential(self) -> bool:
        """A step needs the one before."""
        return True

    def parameters(self, shape: Shape, layer: int) -> int:
        """Of the token 4 D^2 + 4 D, of the hidden state 4 D^2, output D^2 + D."""
        return 9 * shape.d_model**2 + 5 * shape.d_model

    def flops(self, shape: Shape, layer: int, batch: int, new: int, past: int) -> int:
        """Gates of the token and output 10 D^2; of the hidden state 8 D^2, but for the first."""
        hidden = new if past else new - 1
        return batch * shape.d_model**2 * (10 * new + 8 * hidden)

    def state_bytes(
        self, shape: Shape, layer: int, batch: int, capacity: int, element: float
    ) -> float:
        """The hidden state and the cell."""
        return 2 * batch * shape.d_model * element


@register("lstm-naive", "an LSTM with a small product for each gate and step")
class LstmNaive(LstmOperator):
    """Eight products a step."""

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """The LSTM, gate by gate."""
        from harness.operators.lstm_naive.mixer import NaiveLstmMixer

        return NaiveLstmMixer(shape)
