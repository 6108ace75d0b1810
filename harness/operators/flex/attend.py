"""torch's flex_attention, compiled into one kernel.

One compilation serves all lengths, because shapes are symbolic; torch compiles again when a length
first exceeds one block, and for single tokens. The visible blocks are computed in closed form, at a
cost proportional to the number of blocks; torch's create_block_mask would write the whole T x T
mask.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import torch
from torch._dynamo.exc import BackendCompilerFailed
from torch.nn.attention.flex_attention import BlockMask, flex_attention

from harness.errors import Unsupported

_BLOCK = 128  # queries, and keys, per block; torch's default


def compiled_attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """q: [B, H, T, d], k and v: [B, H, past + T, d] -> [B, H, T, d]. An Attend."""
    new, total = query.shape[2], key.shape[2]
    mask = None if new == 1 else _causal(new, total, query.device)
    try:
        mixed: torch.Tensor = _compiled()(query, key, value, block_mask=mask)
    except BackendCompilerFailed as error:  # any backend's, including Inductor's
        reason = str(error.inner_exception).strip().splitlines()[0]
        raise Unsupported(f"torch cannot compile flex_attention here: {reason}") from error
    return mixed


@cache
def _compiled() -> Callable[..., Any]:
    compiled: Callable[..., Any] = torch.compile(flex_attention, dynamic=True, fullgraph=True)
    return compiled


@lru_cache(maxsize=8)  # shared by the layers of a pass and the passes of an iteration
def _causal(new: int, total: int, device: torch.device) -> BlockMask:
    """The blocks of keys that each block of queries sees, in full or in part."""
    past = total - new

    def sees(_batch: Any, _head: Any, query: Any, key: Any) -> Any:
        return query + past >= key

    rows, columns = -(-new // _BLOCK), -(-total // _BLOCK)
    with torch.inference_mode(False):  # so that a training step can use it too
        first = past + torch.arange(rows, device=device) * _BLOCK  # each block's first query
        last = (first + _BLOCK - 1).clamp(max=total - 1)
        whole = (first + 1) // _BLOCK  # blocks that even the first query sees in full
        seen = last // _BLOCK + 1
        order = torch.arange(columns, device=device).expand(rows, columns)
        partly = (order + whole.unsqueeze(-1)).clamp(max=columns - 1)
        return BlockMask.from_kv_blocks(
            _as_indices(seen - whole),
            _as_indices(partly),
            _as_indices(whole),
            _as_indices(order),
            _BLOCK,
            sees,
            (new, total),
        )


def _as_indices(numbers: torch.Tensor) -> torch.Tensor:
    """[...] -> [1, 1, ...], the same for all sequences and heads."""
    return numbers.to(torch.int32).contiguous()[None, None]
