"""Data parallel: shares of the batch."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from harness.domain.cell import Cell, Choice
from harness.domain.run import Host
from harness.parallelism.data import Data


def data(degree: int) -> Data:
    return Data(Data.Options(degree=degree))


def test_each_process_takes_an_equal_share_of_the_batch() -> None:
    assert data(4).cuts == data(4).shares == 4


def test_it_takes_as_many_processes_as_told() -> None:
    assert data(3).degree == 3


def test_a_degree_is_needed() -> None:
    with pytest.raises(ValidationError, match="degree"):
        Data()


def test_more_processes_than_cores_are_refused(make_cell: Callable[..., Cell], host: Host) -> None:
    """They would measure the scheduler; every factor is told."""
    two, four = Choice("tensor", (("degree", 2),)), Choice("data", (("degree", 4),))
    assert data(4).unsupported(make_cell(parallelism=(four,)), host) is None
    told = data(4).unsupported(make_cell(parallelism=(four, two)), host)
    assert told == (
        "asks for 8 processes (data 4 x tensor 2); this host has 4 cores "
        "(oversubscribe: true runs them all the same)"
    )


def test_more_processes_than_cores_run_when_asked(
    make_cell: Callable[..., Cell], host: Host
) -> None:
    asked = (Choice("data", (("degree", 8),)), Choice("oversubscribe", (("wanted", True),)))
    assert data(8).unsupported(make_cell(parallelism=asked), host) is None
