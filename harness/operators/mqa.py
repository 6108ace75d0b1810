"""mqa: multi-query attention, where all heads share one head of keys and values.

Time O(T^2 d) for a prefill of T tokens, as full attention; a decode step reads a KV cache of
1 / H the size, O(T d / H); memory O(T d / H). One set of keys for all heads costs some quality.
Shazeer 2019 (arXiv 1911.02150).
"""

from __future__ import annotations

from harness.operators import register
from harness.operators.gqa import GroupedAttention


@register("mqa", "attention whose heads all share one head of keys and values")
class Mqa(GroupedAttention):
    """One group."""

    @property
    def groups(self) -> int:
        """One."""
        return 1
