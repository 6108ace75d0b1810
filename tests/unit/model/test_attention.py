"""Who sees whom."""

from __future__ import annotations

import torch

from harness.model.attention import KVCache, causal_mask
from harness.model.shape import Shape

SHAPE = Shape(layers=1, d_model=8, heads=2, vocab=11, context=16)


def test_a_token_sees_itself_and_those_before() -> None:
    tokens = torch.zeros(1, 2, 3, 4)
    expected = [[True, False, False], [True, True, False], [True, True, True]]
    assert expected == causal_mask(tokens, tokens).tolist()


def test_a_chunk_sees_all_of_the_past() -> None:
    """The mask's lower right corner, not its upper left."""
    new, total = torch.zeros(1, 2, 2, 4), torch.zeros(1, 2, 4, 4)
    expected = [[True, True, True, False], [True, True, True, True]]
    assert expected == causal_mask(new, total).tolist()


def test_a_cache_gives_back_all_it_was_given() -> None:
    cache = KVCache((1, SHAPE.heads, 16, SHAPE.d_head), torch.device("cpu"), torch.float32)
    keys, values = torch.randn(2, 1, 2, 7, 4, generator=torch.Generator().manual_seed(0))
    cache.extend(keys[:, :, :5], values[:, :, :5], past=0)
    told = cache.extend(keys[:, :, 5:], values[:, :, 5:], past=5)
    assert torch.equal(keys, told[0])
    assert torch.equal(values, told[1])
