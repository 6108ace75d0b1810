"""treenn: the past as a binary tree, composed in pairs by a Tree-LSTM.

Segments of 2, 4, 8, ... tokens are each composed of two halves. A token sees the composition of the
segments given by the binary digits of its position (a Fenwick tree). About two compositions per
token: time O(T D^2) for a prefill of T tokens, in 2 log T batched calls; for a decode step O(D^2)
on average and O(D^2 log T) at most; memory O(T D), and a decode state of 2 log T nodes.

A token reaches the output through at most 2 log T compositions, each of which must preserve it. So
the operator summarises well but recalls a single token poorly. Socher et al. 2011 (ICML, "Parsing
natural scenes and natural language with recursive neural networks"), Tai et al. 2015 (arXiv
1503.00075). Unlike theirs, this tree is balanced and built over positions, not over a parse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model.shape import Shape
from harness.operators import Operator, register

if TYPE_CHECKING:
    from harness.model.mixer import TokenMixer


@register("treenn", "a Tree-LSTM over segments of the past, logarithmic decode state")
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
        """Leaf and output: 8 D^2 per token. Composition: 20 D^2.

        Two kinds of compositions: of segments that the new tokens complete, and of each new token's
        segment with everything before it, if there is anything.
        """
        end = past + new
        segments = sum((end >> level) - (past >> level) for level in range(1, end.bit_length()))
        # At a power of two, one segment holds everything.
        prefixes = new - (end.bit_length() - past.bit_length())
        return batch * shape.d_model**2 * (8 * new + 20 * (segments + prefixes))

    def state_bytes(
        self, shape: Shape, layer: int, batch: int, capacity: int, element: float
    ) -> float:
        """Per binary digit of the length, a segment and a prefix of two vectors each."""
        return 4 * capacity.bit_length() * batch * shape.d_model * element
