"""Data parallel: shares of the batch."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

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
