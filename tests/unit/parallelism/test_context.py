"""Which tokens go to which rank, and what a rank attends to on another."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from harness.model.attention import fused_attention
from harness.parallelism.context.ring import Ring, _flash, _merge, seen


def ring(rank: int, size: int) -> Any:
    made: Any = Ring.__new__(Ring)
    made.rank, made.size = rank, size
    return made


@pytest.mark.parametrize("size", [2, 3, 4])
def test_ranks_share_a_sequence_and_its_pairs(size: int) -> None:
    """Each token once; and as many pairs of queries and keys on each rank."""
    length = 8 * size
    own = [ring(rank, size).chunks(length) for rank in range(size)]
    assert sorted(torch.cat(own).tolist()) == list(range(length))
    assert len({int((one + 1).sum()) for one in own}) == 1


@pytest.mark.parametrize("size", [1, 2, 4])
def test_what_ranks_see_of_each_other_makes_up_causal_attention(size: int) -> None:
    """All blocks of all ranks, merged as the ring does, are attention over the whole sequence."""
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 2, 2, 8 * size, 4)
    expected = fused_attention(query, key, value)
    for rank in range(size):
        rows = ring(rank, size).chunks(8 * size)
        mine, out, sums = query[:, :, rows], None, None
        for step in range(size):
            other = (rank - step) % size
            theirs = ring(other, size).chunks(8 * size)
            block = (key[:, :, theirs], value[:, :, theirs])
            (keys, values), own, causal = seen(rank, other, block, mine)
            part, part_sums = _flash(mine[:, :, own], keys, values, 0.0, causal)
            if out is None or sums is None:
                out, sums = part, part_sums
            else:
                _merge(out[:, :, own], sums[:, :, own], part, part_sums)
        torch.testing.assert_close(out, expected[:, :, rows])
