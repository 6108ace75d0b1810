"""What goes to which rank: rows of matrices, layers, tokens; what a rank sees of another's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.distributed.count import Collectives
from harness.distributed.pipeline import Line, _keep, even
from harness.distributed.ring import Ring, _flash, _merge, seen
from harness.distributed.tensor import by_rank
from harness.model.attention import fused_attention
from harness.model.shape import Shape
from harness.model.transformer import blocks_of, build
from harness.operators.sdpa import Sdpa
from harness.timer import HostTimer


def test_each_rank_has_the_rows_of_its_heads() -> None:
    """Queries, keys and values of a share of the heads, in that order."""
    assert by_rank([4, 2, 2], 2).tolist() == [0, 1, 4, 6, 2, 3, 5, 7]


@given(st.integers(1, 40), st.integers(1, 8))
def test_layers_are_cut_in_order_and_evenly(layers: int, stages: int) -> None:
    cut = even(layers, stages)
    assert [layer for one in cut for layer in one] == list(range(layers))
    assert len(cut) == stages
    assert max(map(len, cut)) - min(map(len, cut)) <= 1


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


@pytest.mark.parametrize(
    ("name", "arguments", "kind", "size"),
    [
        ("allreduce_", ([torch.zeros(4)],), "all_reduce", 16),
        ("_allgather_base_", (torch.zeros(8), torch.zeros(4)), "all_gather", 16),
        ("_reduce_scatter_base_", (torch.zeros(4), torch.zeros(8)), "reduce_scatter", 32),
        ("allgather_", ([[torch.zeros(4)] * 2], [torch.zeros(4)]), "all_gather", 16),
        ("send", ([torch.zeros(3)], 1, 0), "send", 12),
        ("recv_", ([torch.zeros(3)], 1, 0), None, 0),
        ("barrier", (), None, 0),
    ],
)
def test_what_a_rank_hands_over_is_counted(
    name: str, arguments: tuple[Any, ...], kind: str | None, size: int
) -> None:
    """Its own share of what is gathered, all of what is reduced; what it takes is not."""

    class Operation:
        namespace, _schema = "c10d", SimpleNamespace(name=f"c10d::{name}")

        def __call__(self, *_: Any) -> str:
            return "done"

    counted = Collectives()
    assert counted.__torch_dispatch__(Operation(), (), arguments) == "done"
    assert dict(counted.calls) == ({kind: 1} if kind else {})
    assert dict(counted.bytes) == ({kind: size} if kind else {})


@pytest.mark.parametrize(
    ("schedule", "microbatches", "share"),
    [("gpipe", 4, 1 / 5), ("1f1b", 4, 1 / 5), ("interleaved", 4, 1 / 9), ("zero-bubble", 4, 0.0)],
)
def test_a_pipeline_waits_as_theory_says(schedule: str, microbatches: int, share: float) -> None:
    """Of two ranks; a rank's second stage halves the wait."""
    line = Line(None, 0, 2, schedule, microbatches, HostTimer())  # type: ignore[arg-type]  # alone
    assert line.bubble_in_theory == pytest.approx(share)
    assert line.bubble is None  # none is measured yet


def test_a_stage_lets_go_of_what_is_others() -> None:
    """Else each rank would hold the whole model beside its part of it."""
    shape = Shape(layers=3, d_model=8, heads=2, vocab=11, context=8)
    ends = []
    for rank, layers in ((0, [0, 2]), (1, [1])):
        core = build(shape, Sdpa().mixer, device=torch.device("cpu"))
        blocks = blocks_of(core)
        _keep(core, Line(None, rank, 2, "gpipe", 2, HostTimer()), layers)  # type: ignore[arg-type]
        assert blocks_of(core) == [blocks[layer] for layer in layers]
        named = [name for name, _ in core.named_parameters() if not name.startswith("blocks")]
        ends.append(named)
    assert ends == [
        ["wte.weight", "wpe.weight"],
        ["wpe.weight", "ln_f.weight", "ln_f.bias", "head.weight"],
    ]


class Ticks:
    """A clock that goes on by a second a look."""

    resolution = 1.0

    def __init__(self) -> None:
        self.at = 0

    def mark(self) -> int:
        self.at += 1
        return self.at

    @staticmethod
    def seconds(start: Any, end: Any) -> float:
        return float(end - start)


def test_a_pipelines_bubble_is_what_its_steps_took_beside_work() -> None:
    """Of five seconds two; what was before it started anew does not count."""
    line = Line(None, 0, 2, "gpipe", 2, Ticks())  # type: ignore[arg-type]  # it meets nobody
    with line.step():
        pass
    line.start_anew()
    for _ in range(2):
        with line.step():
            for _ in range(2):
                with line.working():
                    pass
    assert line.bubble == pytest.approx(1 - 2 / 5)
