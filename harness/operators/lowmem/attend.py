"""Exact attention chunk by chunk, with a running softmax (Rabe and Staats 2021, 2112.05682).

The backward pass keeps one number per query, the logarithm of the softmax's denominator, and
computes the scores again, chunk by chunk (Dao et al. 2022, arXiv 2205.14135, App. B).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

Tensors = tuple[torch.Tensor, ...]


def chunked_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, chunk: int
) -> torch.Tensor:
    """q: [B, H, T, d], k and v: [B, H, past + T, d] -> [B, H, T, d].

    Chunks of `chunk` queries meet chunks of ceil(sqrt(past + T)) keys, as far as they see.
    """
    mixed: torch.Tensor = _Chunked.apply(query, key, value, chunk)  # type: ignore[no-untyped-call]
    return mixed


@dataclass(frozen=True)
class _Tile:
    """A chunk of queries and a chunk of keys."""

    rows: slice
    columns: slice
    visible: int  # row i sees the columns up to visible + i

    def scores(self, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        """[B, H, r, c] in fp32; minus infinity where a key comes after the query."""
        rows, columns = query[:, :, self.rows], key[:, :, self.columns]
        scores: torch.Tensor = (rows @ columns.transpose(-1, -2)).float()
        scores *= query.shape[-1] ** -0.5
        if self.visible < scores.shape[-1] - 1:
            hidden = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device)
            scores.masked_fill_(hidden.triu(self.visible + 1), -math.inf)
        return scores


def _tiles(new: int, total: int, chunk: int) -> Iterator[tuple[slice, list[_Tile]]]:
    """Each chunk of queries, with its tiles: one per chunk of keys it sees."""
    past, width = total - new, math.isqrt(total - 1) + 1
    for start in range(0, new, chunk):
        rows = slice(start, min(start + chunk, new))
        seen = past + rows.stop
        firsts = range(0, seen, width)
        columns = [slice(first, min(first + width, seen)) for first in firsts]
        yield rows, [_Tile(rows, some, past + start - some.start) for some in columns]


class _Chunked(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, chunk: int
    ) -> torch.Tensor:
        mixed = torch.empty_like(query)
        # Per query, the log-sum-exp of its scores.
        total = query.new_empty((*query.shape[:-1], 1), dtype=torch.float32)
        for rows, tiles in _tiles(query.shape[2], key.shape[2], chunk):
            mixed[:, :, rows], total[:, :, rows] = _running(query, key, value, tiles)
        ctx.save_for_backward(query, key, value, mixed, total)
        ctx.chunk = chunk
        return mixed

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        query, key, value, mixed, total = ctx.saved_tensors
        sums = Tensors(torch.zeros_like(one, dtype=torch.float32) for one in (query, key, value))
        for rows, tiles in _tiles(query.shape[2], key.shape[2], ctx.chunk):
            drift = (grad[:, :, rows].float() * mixed[:, :, rows].float()).sum(-1, keepdim=True)
            for tile in tiles:
                weight = (tile.scores(query, key) - total[:, :, rows]).exp()
                _add_gradients(sums, tile, weight, drift, (query, key, value, grad))
        return (*(one.to(query.dtype) for one in sums), None)


def _running(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, tiles: list[_Tile]
) -> tuple[torch.Tensor, torch.Tensor]:
    """The output [B, H, r, d] of some queries, and their log-sum-exp [B, H, r, 1]."""
    rows = query[:, :, tiles[0].rows]
    most = torch.full_like(rows[..., :1], -math.inf, dtype=torch.float32)
    mass = torch.zeros_like(most)
    mixed = torch.zeros_like(rows, dtype=torch.float32)
    for tile in tiles:
        scores = tile.scores(query, key)
        higher = torch.maximum(most, scores.amax(-1, keepdim=True))  # finite: all see key 0
        weight, shrink = (scores - higher).exp(), (most - higher).exp()
        mass = mass * shrink + weight.sum(-1, keepdim=True)
        mixed = mixed * shrink + weight.to(rows.dtype) @ value[:, :, tile.columns]
        most = higher
    return mixed / mass, most + mass.log()


def _add_gradients(
    sums: Tensors, tile: _Tile, weight: torch.Tensor, drift: torch.Tensor, kept: Tensors
) -> None:
    """Add a tile's gradients to `sums`. `kept` is query, key, value and the output's gradient."""
    to_query, to_key, to_value = sums
    query, key, value, grad = (
        one[:, :, place]
        for one, place in zip(kept, (tile.rows, tile.columns, tile.columns, tile.rows), strict=True)
    )
    to_value[:, :, tile.columns] += weight.to(grad.dtype).transpose(-1, -2) @ grad
    inner = weight * ((grad @ value.transpose(-1, -2)).float() - drift) * query.shape[-1] ** -0.5
    inner = inner.to(query.dtype)
    to_query[:, :, tile.rows] += inner @ key
    to_key[:, :, tile.columns] += inner.transpose(-1, -2) @ query
