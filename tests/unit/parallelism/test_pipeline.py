"""Which layers go to which rank, and how long a rank waits."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.model.build import build
from harness.model.shape import Shape
from harness.model.transformer import blocks_of
from harness.operators.sdpa import Sdpa
from harness.parallelism.pipeline.group import PipelineGroup
from harness.parallelism.pipeline.stages import even, keep
from harness.timer import HostTimer


@given(st.integers(1, 40), st.integers(1, 8))
def test_layers_are_cut_in_order_and_evenly(layers: int, stages: int) -> None:
    cut = even(layers, stages)
    assert [layer for one in cut for layer in one] == list(range(layers))
    assert len(cut) == stages
    assert max(map(len, cut)) - min(map(len, cut)) <= 1


@pytest.mark.parametrize(
    ("schedule", "microbatches", "share"),
    [("gpipe", 4, 1 / 5), ("1f1b", 4, 1 / 5), ("interleaved", 4, 1 / 9), ("zero-bubble", 4, 0.0)],
)
def test_a_pipeline_waits_as_theory_says(schedule: str, microbatches: int, share: float) -> None:
    """Of two ranks; a rank's second stage halves the wait."""
    group = PipelineGroup(None, 0, 2, schedule, microbatches, HostTimer())  # type: ignore[arg-type]  # alone
    assert group.bubble_in_theory == pytest.approx(share)
    assert group.bubble is None  # none is measured yet


def test_a_stage_lets_go_of_what_is_others() -> None:
    """Else each rank would hold the whole model beside its part of it."""
    shape = Shape(layers=3, d_model=8, heads=2, vocab=11, context=8)
    ends = []
    for rank, layers in ((0, [0, 2]), (1, [1])):
        core = build(shape, Sdpa().mixer, device=torch.device("cpu"))
        blocks = blocks_of(core)
        keep(core, PipelineGroup(None, rank, 2, "gpipe", 2, HostTimer()), layers)  # type: ignore[arg-type]
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
    group = PipelineGroup(None, 0, 2, "gpipe", 2, Ticks())  # type: ignore[arg-type]  # it meets nobody
    with group.step():
        pass
    group.start_anew()
    for _ in range(2):
        with group.step():
            for _ in range(2):
                with group.working():
                    pass
    assert group.bubble == pytest.approx(1 - 2 / 5)
