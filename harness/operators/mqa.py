"""mqa: multi-query attention, where all heads share one head of keys and values.

Time O(T^2 d) for a prefill of T tokens, as in full attention. A decode step reads a KV cache 1 / H
as large: time O(T d / H), memory O(T d / H). A single set of keys costs some quality.
Shazeer 2019 (arXiv 1911.02150).
"""

from __future__ import annotations

from harness.operators import register
from harness.operators.gqa import GroupedAttention


@register("mqa", "attention in which all heads share one head of keys and values")
class Mqa(GroupedAttention):
    """Grouped attention with one group."""

    @property
    def groups(self) -> int:
        """Always 1."""
        return 1
