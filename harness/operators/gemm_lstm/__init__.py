"""gemm-lstm: an LSTM by few large products.

The four gates are one product; the tokens' part of it is one product over all steps, before the
recurrence; the gradient of the recurrent weights is one product over all steps, after it. What is
left in the recurrence is one product a step. Time O(T D^2) for a prefill of T tokens, in T steps
that wait for each other, and O(D^2) for a decode step; memory O(T D) in training and prefill; a
decode state of 2 D numbers. Computes what `lstm-naive` computes, and what torch.nn.LSTM does.

All of the past must fit into 2 D numbers, so it cannot recall many tokens far back. Appleyard et
al. 2016 (arXiv 1604.01946).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model.shape import Shape
from harness.operators import register
from harness.operators.lstm_naive import LstmOperator

if TYPE_CHECKING:
    from harness.model.mixer import TokenMixer


@register("gemm-lstm", "an LSTM whose gates, inputs and weight gradients are single products")
class GemmLstm(LstmOperator):
    """One product a step."""

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """The LSTM with its gates together."""
        from harness.operators.gemm_lstm.mixer import GemmLstmMixer

        return GemmLstmMixer(shape)
