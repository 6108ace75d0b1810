"""lstm-naive: an LSTM as its equations are written, with a small product for each gate and step.

Time O(T D^2) for a prefill of T tokens, in 8 T small products over T sequential steps, and O(D^2)
for a decode step; memory O(T D) in training, else O(D), as for the decode state. Autograd computes
the gradients; that of the weights is a sum of T small products. It is the reference for
`gemm-lstm`, which computes the same.

The whole past must fit into 2 D numbers, so it cannot recall many tokens far back. Hochreiter
and Schmidhuber 1997 (Neural Computation 9(8)), with the forget gate of Gers et al. 2000.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model.shape import Shape
from harness.operators import Operator, register

if TYPE_CHECKING:
    from harness.model.mixer import TokenMixer


class LstmOperator(Operator):
    """The cost of an LSTM, however it is computed."""

    @property
    def sequential(self) -> bool:
        """True: each step needs the step before."""
        return True

    def parameters(self, shape: Shape, layer: int) -> int:
        """Token gates 4 D^2 + 4 D, hidden-state gates 4 D^2, output D^2 + D."""
        return 9 * shape.d_model**2 + 5 * shape.d_model

    def flops(self, shape: Shape, layer: int, batch: int, new: int, past: int) -> int:
        """Token gates and output: 10 D^2. Hidden-state gates: 8 D^2, except for the first token."""
        hidden = new if past else new - 1
        return batch * shape.d_model**2 * (10 * new + 8 * hidden)

    def state_bytes(
        self, shape: Shape, layer: int, batch: int, capacity: int, element: float
    ) -> float:
        """The hidden state and the cell."""
        return 2 * batch * shape.d_model * element


@register("lstm-naive", "an LSTM with a small product for each gate and step")
class LstmNaive(LstmOperator):
    """Eight products per step."""

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """The LSTM, gate by gate."""
        from harness.operators.lstm_naive.mixer import NaiveLstmMixer

        return NaiveLstmMixer(shape)
