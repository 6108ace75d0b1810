"""Splits a sequence over ranks: each holds the whole model and a share of the tokens."""

from __future__ import annotations

import torch
import torch.distributed as dist

from harness.distributed.split import Split
from harness.model.attention import Attention, KeysValues, KeyValueState, KVCache
from harness.model.mixer import LayerState
from harness.model.transformer import blocks_of
from harness.parallelism.context.ring import Ring, SpreadCache


def split_sequence(split: Split) -> None:
    """Give this rank its share of the tokens, and attention over the tokens of all ranks."""
    group = split.group("context")
    ring = Ring(group)
    for block in blocks_of(split.core):
        assert isinstance(block.mixer, Attention)
        block.mixer.replace_kernel(_Attend(ring), _Caches(group))
    split.places.insert(0, lambda positions: positions[ring.chunks(len(positions))])
    split.own_tokens = lambda tokens: tokens[:, ring.chunks(tokens.shape[1])]


class _Attend:
    """Prompts go through the ring; a single token, the same on all ranks, attends to the cache."""

    def __init__(self, ring: Ring) -> None:
        self._ring, self._spread = ring, SpreadCache(ring.group)

    def __call__(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        return (self._spread if query.shape[2] == 1 else self._ring)(query, key, value)


class _Caches:
    def __init__(self, group: dist.ProcessGroup) -> None:
        self._rank, self._size = dist.get_rank(group), dist.get_world_size(group)

    def __call__(
        self, size: tuple[int, int, int, int], device: torch.device, dtype: torch.dtype
    ) -> LayerState:
        return SpreadState(size, device, dtype, self._rank, self._size)


class SpreadState(KeyValueState):
    """This rank's part of a KV cache: its share of the prompt, and every n-th token after it."""

    def __init__(
        self,
        size: tuple[int, int, int, int],  # B, G, tokens of the whole sequence, d
        device: torch.device,
        dtype: torch.dtype,
        rank: int,
        ranks: int,
    ) -> None:
        batch, groups, capacity, width = size
        # The most that a rank can get: its share, rounded up, and one more token.
        own = (batch, groups, -(-capacity // ranks) + 1, width)
        self._cache = KVCache(own, device, dtype)
        self._rank, self._ranks, self._prompt = rank, ranks, 0

    def extend(self, key: torch.Tensor, value: torch.Tensor, past: int) -> KeysValues:
        """Write this rank's share of a prompt, or a single token if it is this rank's turn."""
        if past == 0:
            self._prompt = key.shape[2]
            return self._cache.extend(key, value, 0)
        produced = past - self._ranks * self._prompt
        held = self._prompt + len(range(self._rank, produced, self._ranks))
        mine = produced % self._ranks == self._rank
        last = slice(0, 1 if mine else 0)
        return self._cache.extend(key[:, :, last], value[:, :, last], held)

    def bytes(self) -> int:
        """The bytes of this rank's part."""
        return self._cache.bytes()
