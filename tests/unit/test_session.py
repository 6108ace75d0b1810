"""What sessions say of themselves, and how the worker compares their answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harness.domain.cell import Cell, Choice
from harness.errors import HarnessError
from harness.session.compiled import CompiledSession
from harness.worker.checks import Answers, _agrees, _apart, _require_alike

LOGITS = torch.tensor([[[0.0, 3.0, 4.0]]])
EAGER = Answers(LOGITS, (LOGITS,), torch.tensor([[2]]))


def test_the_same_answers_are_not_apart() -> None:
    assert _apart(EAGER, EAGER) == 0
    assert _agrees(EAGER, EAGER) is True


@pytest.mark.parametrize(
    "ours",
    [
        replace(EAGER, logits=1.5 * LOGITS),  # of the prompt
        replace(EAGER, decoded=(1.5 * LOGITS,)),  # in decode alone
    ],
)
def test_answers_are_as_far_apart_as_the_worst_of_them(ours: Answers) -> None:
    assert _apart(ours, EAGER) == 0.5


def test_a_runtime_without_logits_is_held_to_its_tokens(cell: Cell) -> None:
    silent = Answers(None, (None,), torch.tensor([[2]]))
    _require_alike(cell, silent, EAGER)
    with pytest.raises(HarnessError, match="finds other tokens likeliest"):
        _require_alike(cell, replace(silent, chosen=torch.tensor([[1]])), EAGER)


def test_where_two_tokens_are_level_either_will_do() -> None:
    level = replace(EAGER, decoded=(torch.tensor([[[0.0, 4.0, 4.0]]]),))
    assert _agrees(Answers(None, (None,), torch.tensor([[1]])), level) is True


def test_no_answer_at_all_is_no_agreement(cell: Cell) -> None:
    with pytest.raises(HarnessError, match="neither logits nor tokens"):
        _require_alike(cell, Answers(None, (None,), None), EAGER)


@pytest.mark.parametrize(
    ("factor", "precision", "near"),
    [
        (1.0009, "fp32", True),
        (1.004, "fp32", False),  # what computing in bf16 under the name of fp32 makes
        (1.004, "bf16", True),
        (1.1, "bf16", False),
        (float("nan"), "fp32", False),
    ],
)
def test_how_near_is_near_enough(cell: Cell, factor: float, precision: str, near: bool) -> None:
    asked = cell.replace(precision=Choice(precision))
    ours = replace(EAGER, logits=factor * LOGITS)
    if near:
        _require_alike(asked, ours, EAGER)
    else:
        with pytest.raises(HarnessError):
            _require_alike(asked, ours, EAGER)


@pytest.fixture
def cell(make_cell: Callable[..., Cell]) -> Cell:
    return make_cell(backend=Choice("other"))


def test_what_an_unfinished_round_compiled_is_neither_cold_nor_cached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is taken away; what a whole round left is kept."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "")  # is set below, and is put back
    cache = tmp_path / "cell"
    assert not CompiledSession._use(cache)
    (cache / "half").touch()
    assert not CompiledSession._use(cache)
    assert list(cache.iterdir()) == []
    (cache / "code").touch()
    (cache / "filled").touch()
    assert CompiledSession._use(cache)
    assert (cache / "code").exists()
