"""The error of a split model against one process, from the outputs of its ranks."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from harness.worker.parity import (
    FLOOR,
    TOLERANCE,
    _InferenceOutputs,
    _TrainingOutputs,
    largest,
    scaled_error,
)

TRAINED = _TrainingOutputs([2.0, 1.5], [4.0, 2.0], {"w": torch.ones(2)})
LOGITS = torch.tensor([[[0.0, 1.0, 0.5]], [[3.0, 0.0, 0.0]]])
PREDICTED = torch.tensor([[1], [0]])
WHOLE = _InferenceOutputs(0, 2, [LOGITS], PREDICTED)


@pytest.mark.parametrize(
    ("ours", "error"),
    [
        (TRAINED, 0.0),
        (replace(TRAINED, losses=[2.0, 1.875]), 0.25),
        (replace(TRAINED, norms=[4.0, 4.0]), 1.0),  # Adam hides gradients that are scaled
        (replace(TRAINED, parameters={"w": torch.tensor([1.5, 1.5])}), 0.5),
        (replace(TRAINED, parameters={"w": torch.tensor([1.0, math.nan])}), math.inf),
    ],
)
def test_the_error_of_training_is_its_largest(ours: _TrainingOutputs, error: float) -> None:
    assert ours.error_against(TRAINED) == pytest.approx(error)


@pytest.mark.parametrize("size", [1e-2, 1.0, 1e3])
def test_an_error_is_relative_to_the_expected_norm(size: float) -> None:
    """A thousandth is a thousandth, both of a loss of 10 and of weights of 0.02."""
    theirs = torch.tensor([3.0, -4.0, 0.0]) * size
    assert scaled_error(theirs * 1.001, theirs) == pytest.approx(1e-3, rel=1e-2)


def test_below_the_floor_an_error_is_relative_to_the_floor() -> None:
    """Two biases that hold only rounding agree, though one is twice the other."""
    assert scaled_error(torch.full((9,), 2e-9), torch.full((9,), 1e-9)) < TOLERANCE
    assert scaled_error(torch.full((9,), FLOOR), torch.zeros(9)) == pytest.approx(1.0)


def test_a_parameter_that_no_rank_has_is_an_error() -> None:
    with pytest.raises(AssertionError, match="no rank has w"):
        replace(TRAINED, parameters={}).error_against(TRAINED)


def test_a_share_is_compared_with_its_part_of_the_batch() -> None:
    second = _InferenceOutputs(1, 1, [LOGITS[1:] * 1.25], PREDICTED[1:])
    assert second.error_against(WHOLE) == pytest.approx(0.25)


def test_another_token_is_an_infinite_error_unless_the_two_tie() -> None:
    wrong = replace(WHOLE, predicted=torch.tensor([[1], [2]]))
    assert wrong.error_against(WHOLE) == math.inf
    tie = replace(WHOLE, logits=[torch.zeros(2, 1, 3)])
    assert replace(tie, predicted=torch.tensor([[1], [2]])).error_against(tie) == 0.0


def test_tokens_tie_if_the_tolerance_lets_either_lead() -> None:
    """The tolerance is relative: a lead that is clear between small logits may not be for large."""
    leads = torch.tensor([[[0.0, 1.0, 1.001]], [[1000.0, 1000.001, 0.0]]])
    for index, ties in ((0, False), (1, True)):
        expected = _InferenceOutputs(0, 1, [leads[index : index + 1]], PREDICTED[:1])
        runner_up = torch.tensor([[1]] if index == 0 else [[0]])
        ours = replace(expected, predicted=runner_up)
        assert (ours.error_against(expected) == 0.0) is ties


def test_ranks_without_logits_are_compared_by_their_tokens() -> None:
    assert _InferenceOutputs(0, 2, [None], PREDICTED).error_against(WHOLE) == 0.0
    assert _InferenceOutputs(0, 2, [None], None).error_against(WHOLE) == math.inf


def test_nan_and_no_error_at_all_count_as_infinite() -> None:
    assert largest([0.0, math.nan, 1.0]) == largest([]) == math.inf
    assert largest([0.0, 1.0]) == 1.0
