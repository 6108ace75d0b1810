"""Attention to a window: each block of queries meets one block of keys."""

from __future__ import annotations

import torch
from torch.nn.functional import pad, scaled_dot_product_attention

from harness.model.attention import Attention, fused_attention
from harness.model.mixer import LayerState
from harness.model.rolling import Rolling
from harness.model.shape import Shape


class WindowAttention(Attention):
    """Each token attends to itself and the `window` - 1 tokens before it."""

    def __init__(self, shape: Shape, window: int, block: int) -> None:
        super().__init__(shape, fused_attention)
        self._window, self._block = window, block

    def new_state(
        self, batch: int, capacity: int, device: torch.device, dtype: torch.dtype
    ) -> Rolling:
        """Keys and values of the last tokens: [2, B, H, window, d]."""
        size = (2, batch, self.heads, min(self._window, capacity), self.d_head)
        return Rolling(torch.zeros(size, device=device, dtype=dtype))

    def _mix(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        state: LayerState | None,
        past: int,
    ) -> torch.Tensor:
        if state is None:
            return self._attend_parallel(query, key, value)
        assert isinstance(state, Rolling)
        new = torch.stack((key, value))
        if query.shape[2] == 1:
            state.add(new, past)
            key, value = state.held(past + 1)  # the order of keys does not matter
            return scaled_dot_product_attention(query, key, value)
        before = state.last(min(past, self._window - 1), past)
        state.add(new, past)
        key, value = torch.cat((before, new), dim=-2)
        return self._attend_parallel(query, key, value)

    def _attend_parallel(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor
    ) -> torch.Tensor:
        if key.shape[2] <= self._window:  # the window covers everything
            return fused_attention(query, key, value)
        return window_attention(query, key, value, self._window, self._block)


def window_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, window: int, block: int
) -> torch.Tensor:
    """q: [B, H, T, d], k and v: [B, H, past + T, d], past < window -> [B, H, T, d].

    Each block of queries meets the `window` + `block` keys that end where it ends; each query sees
    its own `window` of them. Time and memory are O(T (window + block)).
    """
    batch, heads, length, width = query.shape
    past = key.shape[2] - length
    blocks = -(-length // block)
    surplus = blocks * block - length
    query = pad(query, (0, 0, 0, surplus)).reshape(-1, blocks, block, width)  # [BH, n, b, d]
    lead = window - past  # padding before the first key
    key, value = (
        # Overlapping views of one memory: [BH, n, window + b, d].
        pad(one, (0, 0, lead, surplus))
        .flatten(0, 1)
        .unfold(1, window + block, block)
        .transpose(-1, -2)
        for one in (key, value)
    )
    # torch's fused CPU kernel takes masks of exactly four dimensions.
    mask = _visible(window, block, blocks, lead, query.device).unsqueeze(0)
    mixed = scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return mixed.reshape(batch, heads, blocks * block, width)[:, :, :length]


def _visible(window: int, block: int, blocks: int, lead: int, device: torch.device) -> torch.Tensor:
    """[n, b, window + b]: true where a query sees a key of its block, padding excluded."""
    row = torch.arange(block, device=device).unsqueeze(-1)
    column = torch.arange(window + block, device=device)
    band = (column > row) & (column <= row + window)
    starts = torch.arange(0, blocks * block, block, device=device)
    there = starts.unsqueeze(-1) + column >= lead
    return band & there.unsqueeze(1)
