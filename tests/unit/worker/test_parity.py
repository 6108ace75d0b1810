"""How far a split model is from one process, of what its ranks told."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from harness.worker.parity import FLOOR, TOLERANCE, _Answered, _Learned, difference, greatest

LEARNED = _Learned([2.0, 1.5], [4.0, 2.0], {"w": torch.ones(2)})
LOGITS = torch.tensor([[[0.0, 1.0, 0.5]], [[3.0, 0.0, 0.0]]])
CHOSEN = torch.tensor([[1], [0]])
WHOLE = _Answered(0, 2, [LOGITS], CHOSEN)


@pytest.mark.parametrize(
    ("ours", "error"),
    [
        (LEARNED, 0.0),
        (replace(LEARNED, losses=[2.0, 1.875]), 0.25),
        (replace(LEARNED, norms=[4.0, 4.0]), 1.0),  # Adam alone would not see a scale
        (replace(LEARNED, parameters={"w": torch.tensor([1.5, 1.5])}), 0.5),
        (replace(LEARNED, parameters={"w": torch.tensor([1.0, math.nan])}), math.inf),
    ],
)
def test_training_is_as_far_as_its_worst_difference(ours: _Learned, error: float) -> None:
    assert ours.away_from(LEARNED) == pytest.approx(error)


@pytest.mark.parametrize("size", [1e-2, 1.0, 1e3])
def test_a_difference_is_in_parts_of_what_it_is_held_against(size: float) -> None:
    """A thousandth is a thousandth, of a loss of 10 and of weights of 0.02."""
    theirs = torch.tensor([3.0, -4.0, 0.0]) * size
    assert difference(theirs * 1.001, theirs) == pytest.approx(1e-3, rel=1e-2)


def test_below_the_floor_a_difference_is_in_parts_of_the_floor() -> None:
    """Two biases that are rounding alone agree, though each is twice the other."""
    assert difference(torch.full((9,), 2e-9), torch.full((9,), 1e-9)) < TOLERANCE
    assert difference(torch.full((9,), FLOOR), torch.zeros(9)) == pytest.approx(1.0)


def test_a_parameter_that_no_rank_has_is_told() -> None:
    with pytest.raises(AssertionError, match="no rank has w"):
        replace(LEARNED, parameters={}).away_from(LEARNED)


def test_a_share_is_compared_with_its_part_of_the_batch() -> None:
    second = _Answered(1, 1, [LOGITS[1:] * 1.25], CHOSEN[1:])
    assert second.away_from(WHOLE) == pytest.approx(0.25)


def test_another_token_is_as_far_as_can_be_unless_two_are_level() -> None:
    wrong = replace(WHOLE, chosen=torch.tensor([[1], [2]]))
    assert wrong.away_from(WHOLE) == math.inf
    level = replace(WHOLE, outputs=[torch.zeros(2, 1, 3)])
    assert replace(level, chosen=torch.tensor([[1], [2]])).away_from(level) == 0.0


def test_tokens_are_level_where_the_tolerance_lets_either_lead() -> None:
    """In parts of the logits: what is a clear lead among small ones is none among large ones."""
    lead = torch.tensor([[[0.0, 1.0, 1.001]], [[1000.0, 1000.001, 0.0]]])
    for index, level in ((0, False), (1, True)):
        one = _Answered(0, 1, [lead[index : index + 1]], CHOSEN[:1])
        runner_up = torch.tensor([[1]] if index == 0 else [[0]])
        assert (replace(one, chosen=runner_up).away_from(one) == 0.0) is level


def test_ranks_without_logits_are_held_to_the_token() -> None:
    assert _Answered(0, 2, [None], CHOSEN).away_from(WHOLE) == 0.0
    assert _Answered(0, 2, [None], None).away_from(WHOLE) == math.inf


def test_no_number_is_the_greatest_error() -> None:
    assert greatest([0.0, math.nan, 1.0]) == greatest([]) == math.inf
    assert greatest([0.0, 1.0]) == 1.0
