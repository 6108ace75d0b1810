"""Data parallel: shares of the batch."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from harness.domain.cell import Cell
from harness.domain.run import Host
from harness.parallelism import Rank
from harness.parallelism.data import Data


def data(degree: int) -> Data:
    return Data(Data.Options(degree=degree))


def test_each_process_takes_an_equal_share_of_the_batch() -> None:
    assert data(4).shard(12) == 3


def test_it_takes_as_many_processes_as_told() -> None:
    assert data(3).degree == 3


def test_a_degree_is_needed() -> None:
    with pytest.raises(ValidationError, match="degree"):
        Data()


def test_more_processes_than_cores_are_refused(make_cell: Callable[..., Cell], host: Host) -> None:
    """They would measure the scheduler."""
    assert data(4).unsupported(make_cell(), host) is None
    told = data(5).unsupported(make_cell(), host)
    assert told == "asks for 5 processes; this host has 4 cores"


def test_inference_runs_the_replica_itself() -> None:
    """Nothing is exchanged, so nothing is wrapped."""
    model = nn.Linear(2, 2)
    assert data(2).wrap(model, torch.device("cpu"), Rank(0, 2), train=False) is model
