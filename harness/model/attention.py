"""Multi-head attention with an exchangeable kernel and a KV cache; cross-attention."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from harness.model.mixer import LayerState, TokenMixer
from harness.model.shape import Shape

# (q: [B, H, T, d], k and v: [B, G, past + T, d]) -> [B, H, T, d]. Query i sees the keys up to
# past + i, or all keys without a mask. G equals H unless heads share keys and values in groups.
Attend: TypeAlias = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
KeysValues: TypeAlias = tuple[torch.Tensor, torch.Tensor]  # each [B, H, S, d]
# ((B, G, capacity, d), device, dtype) -> a cache
MakeCache: TypeAlias = Callable[[tuple[int, int, int, int], torch.device, torch.dtype], LayerState]

_TINY = 1e-30  # a vector of zeros has no magnitude to divide by


class KeyValueState(LayerState, ABC):
    """The keys and values of one layer, written in place."""

    @abstractmethod
    def extend(self, key: torch.Tensor, value: torch.Tensor, past: int) -> KeysValues:
        """Write [B, G, T, d] after `past` tokens and return all keys and values so far."""

    def snapshot(self, position: int) -> None:
        """None: decoding after a position never overwrites the tokens before it."""

    def restore(self, snapshot: None) -> None:
        """Does nothing: entries after the position are never read."""


class KVCache(KeyValueState):
    """Keeps keys and values in the precision of the model: [2, B, G, capacity, d]."""

    def __init__(
        self,
        size: tuple[int, int, int, int],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        """`size` is B, G, capacity, d."""
        self._memory = torch.zeros((2, *size), device=device, dtype=dtype)

    def extend(self, key: torch.Tensor, value: torch.Tensor, past: int) -> KeysValues:
        """Write [B, G, T, d] after `past` tokens and return views of all keys and values so far."""
        end = past + key.shape[2]
        keys, values = self._memory
        keys[:, :, past:end] = key
        values[:, :, past:end] = value
        return keys[:, :, :end], values[:, :, :end]


class Int8KVCache(KeyValueState):
    """Keeps keys and values in int8, with one fp32 scale per token and head for each of the two.

    Symmetric: the scale of a vector is its greatest magnitude / 127. All keys and values are
    dequantised at every step.
    """

    def __init__(
        self, size: tuple[int, int, int, int], device: torch.device, dtype: torch.dtype
    ) -> None:
        self._numbers = torch.zeros((2, *size), device=device, dtype=torch.int8)
        self._scales = torch.zeros((2, *size[:-1], 1), device=device, dtype=torch.float32)
        self._dtype = dtype

    def extend(self, key: torch.Tensor, value: torch.Tensor, past: int) -> KeysValues:
        """Write [B, G, T, d] after `past` tokens and return all keys and values, dequantised."""
        end = past + key.shape[2]
        new = torch.stack((key, value)).float()
        scale = new.abs().amax(-1, keepdim=True) / 127
        self._numbers[..., past:end, :] = (new / scale.clamp_min(_TINY)).round().to(torch.int8)
        self._scales[..., past:end, :] = scale
        keys, values = (self._numbers[..., :end, :] * self._scales[..., :end, :]).to(self._dtype)
        return keys, values


class Attention(TokenMixer):
    """Projections, heads and cache around `attend` (Vaswani et al. 2017, arXiv 1706.03762).

    With fewer `groups` than heads, several heads share the keys and values of one group. After
    pruning, it has fewer heads than its shape.
    """

    def __init__(self, shape: Shape, attend: Attend, groups: int | None = None) -> None:
        super().__init__()
        self._attend = attend
        self.heads, self.groups, self.d_head = shape.heads, groups or shape.heads, shape.d_head
        self.caches_in = ""  # the format of the cache; "" keeps the format of the keys
        self._cache: MakeCache | None = None  # replaces the caches here, e.g. for split sequences
        self.qkv = nn.Linear(shape.d_model, (self.heads + 2 * self.groups) * self.d_head)
        self.out = nn.Linear(self.heads * self.d_head, shape.d_model)

    def new_state(
        self, batch: int, capacity: int, device: torch.device, dtype: torch.dtype
    ) -> LayerState:
        """An empty KV cache."""
        size = (batch, self.groups, capacity, self.d_head)
        if self._cache is not None:
            return self._cache(size, device, dtype)
        if self.caches_in == "int8":
            return Int8KVCache(size, device, dtype)
        return KVCache(size, device, dtype)

    def replace_kernel(self, attend: Attend, cache: MakeCache) -> None:
        """Switch to another kernel, and to the caches that it needs."""
        self._attend, self._cache = attend, cache

    def forward(
        self, x: torch.Tensor, state: LayerState | None = None, past: int = 0
    ) -> torch.Tensor:
        """[B, T, D] -> [B, T, D]."""
        projected = self.qkv(x)
        batch, length, _ = projected.shape
        queries, keys = self.heads * self.d_head, self.groups * self.d_head
        query, key, value = (
            part.view(batch, length, -1, self.d_head).transpose(1, 2)
            for part in projected.split([queries, keys, keys], dim=-1)
        )  # [B, H, T, d], [B, G, T, d], [B, G, T, d]
        mixed = self._mix(query, key, value, state, past)  # [B, H, T, d]
        out: torch.Tensor = self.out(mixed.transpose(1, 2).reshape(batch, length, queries))
        return out

    def _mix(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        state: LayerState | None,
        past: int,
    ) -> torch.Tensor:
        """Add the keys and values to the state, then attend to all that it holds."""
        if state is not None:
            assert isinstance(state, KeyValueState)
            key, value = state.extend(key, value, past)
        return self._attend(query, key, value)

    @property
    def residual_projection(self) -> nn.Linear:
        """The output projection."""
        return self.out


class CrossAttention(nn.Module):
    """Lets a decoder's tokens attend to the encoder's states (Vaswani et al. 2017, section 3.2.3).

    Always exact, with torch's fused kernel, whichever operator the layers use. Includes its own
    norm.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self._heads = (shape.heads, shape.d_head)
        self.norm = nn.LayerNorm(shape.d_model)
        self.query = nn.Linear(shape.d_model, shape.d_model)
        self.key_value = nn.Linear(shape.d_model, 2 * shape.d_model)
        self.out = nn.Linear(shape.d_model, shape.d_model)

    def keys_values(self, memory: torch.Tensor) -> KeysValues:
        """Project the encoder's states [B, S, D] once, for all tokens of the decoder."""
        batch, length, _ = memory.shape
        both = self.key_value(memory).view(batch, length, 2, *self._heads)
        key, value = both.permute(2, 0, 3, 1, 4)  # each [B, H, S, d]
        return key, value

    def forward(self, x: torch.Tensor, seen: KeysValues) -> torch.Tensor:
        """[B, T, D] -> [B, T, D]."""
        batch, length, width = x.shape
        query = self.query(self.norm(x)).view(batch, length, *self._heads).transpose(1, 2)
        mixed = attend_to_all(query, *seen)  # [B, H, T, d]
        out: torch.Tensor = self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        return out


def attend_to_all(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Exact attention without a mask, with torch's fused kernel."""
    return scaled_dot_product_attention(query, key, value)


def fused_attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Exact causal attention with torch's fused kernels."""
    new, total = query.shape[2], key.shape[2]
    if new == total:
        return scaled_dot_product_attention(query, key, value, is_causal=True)
    # A single token sees everything so far. A chunk needs the last rows of the causal mask.
    mask = None if new == 1 else causal_mask(query, key)
    return scaled_dot_product_attention(query, key, value, attn_mask=mask)


def causal_mask(query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
    """[T, past + T]: true where a query may see a key, at its own position or before."""
    new, total = query.shape[2], key.shape[2]
    everywhere = torch.ones(new, total, dtype=torch.bool, device=query.device)
    return everywhere.tril(diagonal=total - new)
