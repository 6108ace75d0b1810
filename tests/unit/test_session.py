"""What sessions record about themselves, and how the worker compares their outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harness.domain.cell import Cell, Choice
from harness.errors import HarnessError
from harness.session.compiled import CompiledSession
from harness.worker.checks import (
    Outputs,
    _check_against_eager,
    _largest_error,
    _predicts_the_same,
)

LOGITS = torch.tensor([[[0.0, 3.0, 4.0]]])
EAGER = Outputs(LOGITS, (LOGITS,), torch.tensor([[2]]))


def test_equal_outputs_have_no_error() -> None:
    assert _largest_error(EAGER, EAGER) == 0
    assert _predicts_the_same(EAGER, EAGER) is True


@pytest.mark.parametrize(
    "ours",
    [
        replace(EAGER, logits=1.5 * LOGITS),  # of the prompt
        replace(EAGER, decoded=(1.5 * LOGITS,)),  # of decode only
    ],
)
def test_the_largest_error_of_any_logits_counts(ours: Outputs) -> None:
    assert _largest_error(ours, EAGER) == 0.5


def test_a_runtime_without_logits_is_judged_by_its_tokens(cell: Cell) -> None:
    without_logits = Outputs(None, (None,), torch.tensor([[2]]))
    _check_against_eager(cell, without_logits, EAGER)
    with pytest.raises(HarnessError, match="predicts other tokens than eager"):
        _check_against_eager(cell, replace(without_logits, predicted=torch.tensor([[1]])), EAGER)


def test_if_two_tokens_tie_a_runtime_may_predict_either() -> None:
    tie = replace(EAGER, decoded=(torch.tensor([[[0.0, 4.0, 4.0]]]),))
    assert _predicts_the_same(Outputs(None, (None,), torch.tensor([[1]])), tie) is True


def test_a_runtime_without_any_output_fails(cell: Cell) -> None:
    with pytest.raises(HarnessError, match="neither logits nor tokens"):
        _check_against_eager(cell, Outputs(None, (None,), None), EAGER)


@pytest.mark.parametrize(
    ("factor", "precision", "near"),
    [
        (1.0009, "fp32", True),
        (1.004, "fp32", False),  # the error of computing in bf16 while claiming fp32
        (1.004, "bf16", True),
        (1.1, "bf16", False),
        (float("nan"), "fp32", False),
    ],
)
def test_each_precision_has_its_own_tolerance(
    cell: Cell, factor: float, precision: str, near: bool
) -> None:
    in_precision = cell.replace(precision=Choice(precision))
    ours = replace(EAGER, logits=factor * LOGITS)
    if near:
        _check_against_eager(in_precision, ours, EAGER)
    else:
        with pytest.raises(HarnessError):
            _check_against_eager(in_precision, ours, EAGER)


@pytest.fixture
def cell(make_cell: Callable[..., Cell]) -> Cell:
    return make_cell(backend=Choice("other"))


def test_the_compile_cache_of_an_unfinished_round_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache of a finished round is kept."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "")  # so that the test's value is undone
    cache = tmp_path / "cell"
    assert not CompiledSession._use(cache)
    (cache / "half").touch()
    assert not CompiledSession._use(cache)
    assert list(cache.iterdir()) == []
    (cache / "code").touch()
    (cache / "filled").touch()
    assert CompiledSession._use(cache)
    assert (cache / "code").exists()
