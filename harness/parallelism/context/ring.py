"""Exact causal attention over a sequence that is split over ranks, keys and values in a ring.

Ring attention (Liu et al. 2023, arXiv 2310.01889): each rank keeps its queries; keys and values go
round. Partial outputs are merged by their log-sum-exps. The sequence is cut into 2 n chunks, and
rank r holds chunks r and 2 n - 1 - r, so that causal attention gives all ranks the same work
(Brandon et al. 2023, arXiv 2311.09431, here with contiguous chunks).

A forward pass sends n - 1 blocks of keys and values, 2 B G T/n d numbers each. The backward pass
sends as many again, and n blocks of their gradients.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import torch
import torch.distributed as dist
from torch.autograd.function import once_differentiable

_Block: TypeAlias = tuple[torch.Tensor, torch.Tensor]  # keys and values, each [B, H, S, d]
_flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_flash_backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward


class Ring:
    """An Attend over the ranks of a group. The first rank holds the sequence's end."""

    def __init__(self, group: dist.ProcessGroup) -> None:
        self.group = group
        self.rank, self.size = dist.get_rank(group), dist.get_world_size(group)

    def __call__(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """Query [B, H, T/n, d], key and value [B, G, T/n, d] of own tokens -> [B, H, T/n, d]."""
        groups = query.shape[1] // key.shape[1]
        if groups > 1:
            key, value = (one.repeat_interleave(groups, dim=1) for one in (key, value))
        mixed: torch.Tensor = _RingAttention.apply(query, key, value, self)  # type: ignore[no-untyped-call]
        return mixed

    def chunks(self, length: int) -> torch.Tensor:
        """Positions [T/n] of this rank's tokens in a sequence of `length` T."""
        chunk = length // (2 * self.size)
        starts = (self.rank * chunk, (2 * self.size - 1 - self.rank) * chunk)
        return torch.cat([torch.arange(start, start + chunk) for start in starts])

    def rotated(self, tensors: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        """Send tensors to the next rank; return those of the previous rank."""
        following = dist.get_global_rank(self.group, (self.rank + 1) % self.size)
        previous = dist.get_global_rank(self.group, (self.rank - 1) % self.size)
        sent = torch.stack(tensors)
        received = torch.empty_like(sent)
        # Even ranks send first and odd ranks receive first, so no transport can deadlock.
        swaps = [
            dist.P2POp(dist.isend, sent, following, self.group),
            dist.P2POp(dist.irecv, received, previous, self.group),
        ]
        for work in dist.batch_isend_irecv(swaps if self.rank % 2 == 0 else swaps[::-1]):
            work.wait()
        return received.unbind()


def seen(rank: int, other: int, block: _Block, query: torch.Tensor) -> tuple[_Block, slice, bool]:
    """The part of another rank's block that this rank sees, the rows of `query` that see it, and
    whether the attention is causal.
    """
    half = query.shape[2] // 2
    if other == rank:
        return block, slice(None), True
    if other < rank:  # its early chunk is before both of ours, its late chunk after both
        return (block[0][:, :, :half], block[1][:, :, :half]), slice(None), False
    return block, slice(half, None), False  # our late chunk is after both of theirs


class _RingAttention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, ring: Ring
    ) -> torch.Tensor:
        own = (key.contiguous(), value.contiguous())
        block, out, sums = own, torch.zeros_like(query), None
        for step in range(ring.size):
            other = (ring.rank - step) % ring.size
            (keys, values), rows, causal = seen(ring.rank, other, block, query)
            part, part_sums = _flash(query[:, :, rows], keys, values, 0.0, causal)
            if sums is None:
                out, sums = part, part_sums
            else:
                _merge(out[:, :, rows], sums[:, :, rows], part, part_sums)
            if step + 1 < ring.size:
                block = ring.rotated(block)  # type: ignore[assignment]  # two in, two out
        assert sums is not None
        ctx.save_for_backward(query, *own, out, sums)
        ctx.ring = ring
        return out

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, grad: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, None]:
        query, key, value, out, sums = ctx.saved_tensors
        ring: Ring = ctx.ring
        grad = grad.contiguous()
        of_query = torch.zeros_like(query)
        # Gradients travel with their block and are back after a full round.
        block, gathered = (key, value), (torch.zeros_like(key), torch.zeros_like(value))
        for step in range(ring.size):
            other = (ring.rank - step) % ring.size
            (keys, values), rows, causal = seen(ring.rank, other, block, query)
            parts = _flash_backward(
                *(grad[:, :, rows], query[:, :, rows], keys, values),
                *(out[:, :, rows], sums[:, :, rows], 0.0, causal),
            )
            of_query[:, :, rows] += parts[0]
            for total, part in zip(gathered, parts[1:], strict=True):
                total[:, :, : part.shape[2]] += part
            if step + 1 < ring.size:
                *block, first, second = ring.rotated((*block, *gathered))  # type: ignore[assignment]
                gathered = (first, second)
            else:
                gathered = ring.rotated(gathered)  # type: ignore[assignment]
        return of_query, *gathered, None


def _merge(
    out: torch.Tensor, sums: torch.Tensor, part: torch.Tensor, part_sums: torch.Tensor
) -> None:
    """Merge a block's partial output into `out`, in place.

    Each output is normalised by its own softmax; `sums` [B, H, T] are the log-sum-exps.
    """
    both = torch.logaddexp(sums, part_sums)
    out.mul_((sums - both).exp().unsqueeze(-1).to(out.dtype))
    out.add_(part * (part_sums - both).exp().unsqueeze(-1).to(out.dtype))
    sums.copy_(both)


class SpreadCache:
    """Attention of a decode step over a KV cache that is spread over ranks.

    Every rank has the query and attends to its own keys. The partial outputs, one vector and one
    log-sum-exp per head, are gathered and merged.
    """

    def __init__(self, group: dist.ProcessGroup) -> None:
        self._group, self._size = group, dist.get_world_size(group)

    def __call__(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """Query [B, H, 1, d], the same on all ranks; key and value [B, G, S, d] of this rank."""
        groups = query.shape[1] // key.shape[1]
        if groups > 1:
            key, value = (one.repeat_interleave(groups, dim=1) for one in (key, value))
        out, sums = _flash(query, key, value, 0.0, False)
        mine = torch.cat([out, sums.unsqueeze(-1).to(out.dtype)], dim=-1).contiguous()
        gathered = mine.new_empty((self._size * mine.shape[0], *mine.shape[1:]))
        dist.all_gather_into_tensor(gathered, mine, group=self._group)
        every = gathered.unflatten(0, (self._size, -1))
        weights = every[..., -1:].softmax(dim=0)
        merged: torch.Tensor = (every[..., :-1] * weights).sum(dim=0)
        return merged
