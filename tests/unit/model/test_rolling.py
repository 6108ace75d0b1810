"""A decode state of constant size."""

from __future__ import annotations

import torch

from harness.model.rolling import Rolling


def test_the_oldest_rows_make_place_for_the_newest() -> None:
    rows = torch.arange(10.0).view(10, 1)
    state, past = Rolling(torch.zeros(4, 1)), 0
    for count in (1, 2, 1, 1, 5):
        state.add(rows[past : past + count], past)
        past += count
        there = min(past, 4)
        assert torch.equal(state.last(there, past), rows[past - there : past])
        assert sorted(state.held(past).flatten().tolist()) == list(range(past - there, past))
