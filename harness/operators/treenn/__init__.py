"""treenn: the past as a tree, composed two by two by a Tree-LSTM.

Segments of 1, 2, 4, ... tokens are composed of two halves each; a token sees the composition of
the segments that its position's binary digits name (a Fenwick tree). About two compositions a
token: time O(T D^2) for a prefill of T tokens, in 2 log T batched calls; for a decode step
O(D^2) on average and O(D^2 log T) at most; memory O(T D), and a decode state of 2 log T nodes.

Two tokens meet where their segments do, so that a token's path to the output has at most 2 log T
compositions, each of which must keep it: it summarises well, and recalls one token of many
poorly. Socher et al. 2011 (ICML, "Parsing natural scenes and natural language with recursive
neural networks"), Tai et al. 2015 (arXiv 1503.00075). That the tree is balanced and over
positions, not over a parse, is this operator's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model.shape import Shape
from harness.operators import Operator, register

if TYPE_CHECKING:
    from harness.model.mixer import TokenMixer


@register("treenn", "a Tree-LSTM over segments of the past, log decode state")
class Treenn(Operator):
    """One composition function for all levels."""

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """The Tree-LSTM."""
        from harness.operators.treenn.mixer import TreeMixer

        return TreeMixer(shape)

    def parameters(self, shape: Shape, layer: int) -> int:
        """Leaf 3 D^2 + 3 D, composition 10 D^2 + 5 D, output D^2 + D."""
        return 14 * shape.d_model**2 + 9 * shape.d_model

    def flops(self, shape: Shape, layer: int, batch: int, new: int, past: int) -> int:
        """Leaf and output 8 D^2 a token, 20 D^2 a composition.

        Composed are the segments that the new tokens complete, and each new token's segment with
        all before it, where there are any.
        """
        end = past + new
        segments = sum((end >> level) - (past >> level) for level in range(1, end.bit_length()))
        # Where the position is a power of two, one segment holds everything.
        prefixes = new - (end.bit_length() - past.bit_length())
        return batch * shape.d_model**2 * (8 * new + 20 * (segments + prefixes))

    def state_bytes(
        self, shape: Shape, layer: int, batch: int, capacity: int, element: float
    ) -> float:
        """A segment and a prefix, of hidden state and cell each, for each digit of the length."""
        return 4 * capacity.bit_length() * batch * shape.d_model * element
