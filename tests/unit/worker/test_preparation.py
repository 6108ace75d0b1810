"""Large random weights are drawn by a job of their own, and read by those that come after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.domain.cell import Cell, Choice
from harness.domain.result import Status
from harness.model.transformer import Transformer
from harness.worker.messages import Effort, Job
from harness.worker.preparation import dense_model
from harness.worker.round import report_of

CPU = torch.device("cpu")


@pytest.fixture
def job(make_cell: Callable[..., Cell], tmp_path: Path) -> Job:
    """A round whose dense weights are kept in a file."""
    files = {"d": str(tmp_path / "d.safetensors")}
    options = (("d_model", 64), ("heads", 2), ("layers", 2), ("vocab", 67))
    cell = make_cell(model=Choice("decoder", options))
    return Job(cell, 0, 3, Effort(0.1, 1, 1), quality=False, dense="d", files=files)


def test_the_file_holds_what_each_round_would_draw(job: Job) -> None:
    assert report_of(replace(job, prepares=True)).status is Status.OK
    kept, drawn = dense_model(job, CPU), dense_model(replace(job, dense=""), CPU)
    for one, other in zip(kept.parameters(), drawn.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_round_reads_the_file_and_draws_nothing(job: Job) -> None:
    """It shows: the file was changed."""
    report_of(replace(job, prepares=True))
    tensors = load_file(job.dense_file)
    save_file({name: torch.full_like(one, 0.5) for name, one in tensors.items()}, job.dense_file)
    model = cast("Transformer", dense_model(job, CPU, torch.bfloat16))
    assert bool((model.wte.weight == 0.5).all())
    assert model.wte.weight.dtype is torch.bfloat16
