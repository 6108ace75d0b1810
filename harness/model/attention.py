"""Multi-head attention around any way to attend, with a KV cache for decode; cross-attention."""

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
# past + i; without a mask, all. There are as many heads of keys and values as of queries, unless
# they are grouped.
Attend: TypeAlias = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
KeysValues: TypeAlias = tuple[torch.Tensor, torch.Tensor]  # each [B, H, S, d]
# (its size as B, G, capacity, d; where; in which format) -> a cache
MakeCache: TypeAlias = Callable[[tuple[int, int, int, int], torch.device, torch.dtype], LayerState]

_TINY = 1e-30  # a vector of zeros has no magnitude to divide by


class KeyValueState(LayerState, ABC):
    """Keys and values of one layer, written in place."""

    @abstractmethod
    def extend(self, key: torch.Tensor, value: torch.Tensor, past: int) -> KeysValues:
        """Write [B, G, T, d] behind `past` tokens; all keys and values so far, as they are kept."""

    def snapshot(self, position: int) -> None:
        """Nothing: tokens up to a position are never written again while decoding behind it."""

    def restore(self, snapshot: None) -> None:
        """Nothing: what stands behind the position is never read."""


class KVCache(KeyValueState):
    """In the precision they come in: [2, B, G, capacity, d]."""

    def __init__(
        self,
        size: tuple[int, int, int, int],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        """`size` is B, G, capacity, d."""
        self._memory = torch.zeros((2, *size), device=device, dtype=dtype)

    def extend(self, key: torch.Tensor, value: torch.Tensor, past: int) -> KeysValues:
        """Write [B, G, T, d] behind `past` tokens; all keys and values so far, as views."""
        end = past + key.shape[2]
        keys, values = self._memory
        keys[:, :, past:end] = key
        values[:, :, past:end] = value
        return keys[:, :, :end], values[:, :, :end]


class Int8KVCache(KeyValueState):
    """In int8, with one fp32 scale for each token, head and side.

    Symmetric: a vector of keys or values is its int8 numbers times its greatest magnitude / 127.
    What attention sees is made again from them at every step.
    """

    def __init__(
        self, size: tuple[int, int, int, int], device: torch.device, dtype: torch.dtype
    ) -> None:
        self._numbers = torch.zeros((2, *size), device=device, dtype=torch.int8)
        self._scales = torch.zeros((2, *size[:-1], 1), device=device, dtype=torch.float32)
        self._dtype = dtype

    def extend(self, key: torch.Tensor, value: torch.Tensor, past: int) -> KeysValues:
        """Write [B, G, T, d] behind `past` tokens; all keys and values so far, as they are kept."""
        end = past + key.shape[2]
        new = torch.stack((key, value)).float()
        scale = new.abs().amax(-1, keepdim=True) / 127
        self._numbers[..., past:end, :] = (new / scale.clamp_min(_TINY)).round().to(torch.int8)
        self._scales[..., past:end, :] = scale
        keys, values = (self._numbers[..., :end, :] * self._scales[..., :end, :]).to(self._dtype)
        return keys, values


class Attention(TokenMixer):
    """Projections, heads and cache around `attend` (Vaswani et al. 2017, arXiv 1706.03762).

    With fewer `groups` than heads, each group's keys and values serve several heads' queries.
    Its heads may be fewer than the shape's, once some were pruned.
    """

    def __init__(self, shape: Shape, attend: Attend, groups: int | None = None) -> None:
        super().__init__()
        self._attend = attend
        self.heads, self.groups, self.d_head = shape.heads, groups or shape.heads, shape.d_head
        self.caches_in = ""  # the format of the cache, where it is not that of the keys
        self._cache: MakeCache | None = None  # another kind of cache, where it is not in one piece
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

    def attend_by(self, attend: Attend, cache: MakeCache) -> None:
        """Attend in another way from now on, with caches to go with it."""
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
        """Attend to the keys and values given and those in the state, and add them to it."""
        if state is not None:
            assert isinstance(state, KeyValueState)
            key, value = state.extend(key, value, past)
        return self._attend(query, key, value)

    @property
    def residual_projection(self) -> nn.Linear:
        """The output projection."""
        return self.out


class CrossAttention(nn.Module):
    """Lets a decoder's tokens see the encoder's states (Vaswani et al. 2017, section 3.2.3).

    Always exact, by torch's fused kernel, whatever operator mixes the tokens of one side. Holds
    its own norm.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self._heads = (shape.heads, shape.d_head)
        self.norm = nn.LayerNorm(shape.d_model)
        self.query = nn.Linear(shape.d_model, shape.d_model)
        self.key_value = nn.Linear(shape.d_model, 2 * shape.d_model)
        self.out = nn.Linear(shape.d_model, shape.d_model)

    def keys_values(self, memory: torch.Tensor) -> KeysValues:
        """Of the encoder's states [B, S, D]; the same for every token of the decoder."""
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
    """Exact attention without a mask, by torch's fused kernel."""
    return scaled_dot_product_attention(query, key, value)


def fused_attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Exact attention by torch's fused kernels: an Attend."""
    new, total = query.shape[2], key.shape[2]
    if new == total:
        return scaled_dot_product_attention(query, key, value, is_causal=True)
    # A single token sees everything so far; a chunk needs the mask's lower right corner.
    mask = None if new == 1 else causal_mask(query, key)
    return scaled_dot_product_attention(query, key, value, attn_mask=mask)


def causal_mask(query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
    """[T, past + T], true where a query sees a key: its own position and those before."""
    new, total = query.shape[2], key.shape[2]
    every = torch.ones(new, total, dtype=torch.bool, device=query.device)
    return every.tril(diagonal=total - new)
