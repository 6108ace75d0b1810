"""gemm-lstm: an LSTM in few large products.

One product computes all four gates. The tokens' part is one product over all steps, before the
recurrence; the gradient of the recurrent weights is one product over all steps, after it. This
leaves one product per step in the recurrence. Time O(T D^2) for a prefill of T tokens, in T
sequential steps, and O(D^2) for a decode step; memory O(T D) in training and prefill; a decode
state of 2 D numbers. It computes the same as `lstm-naive` and torch.nn.LSTM.

The whole past must fit into 2 D numbers, so it cannot recall many tokens far back. Appleyard et
al. 2016 (arXiv 1604.01946).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model.shape import Shape
from harness.operators import register
from harness.operators.lstm_naive import LstmOperator

if TYPE_CHECKING:
    from harness.model.mixer import TokenMixer


@register("gemm-lstm", "an LSTM with single large products for gates, inputs and weight gradients")
class GemmLstm(LstmOperator):
    """One product per step."""

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """The LSTM with all gates in one product."""
        from harness.operators.gemm_lstm.mixer import GemmLstmMixer

        return GemmLstmMixer(shape)
