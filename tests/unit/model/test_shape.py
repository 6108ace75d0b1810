"""The dimensions of a decoder."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from harness.model.shape import Shape


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    """A head would be of no whole width."""
    with pytest.raises(ValidationError, match="heads 5 does not divide d_model 64"):
        Shape(layers=1, d_model=64, heads=5)


def test_the_width_of_a_head_is_its_share_of_the_model() -> None:
    assert Shape(layers=1, d_model=64, heads=4).d_head == 16


@pytest.mark.parametrize(("given", "width"), [(0, 256), (100, 100)])
def test_the_feed_forward_layer_is_four_times_as_wide_unless_told(given: int, width: int) -> None:
    assert Shape(layers=1, d_model=64, heads=4, d_ff=given).width == width


@pytest.mark.parametrize("wrong", [{"layers": 0}, {"d_model": 0}, {"heads": 0}, {"vocab": 1}])
def test_dimensions_of_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Shape(**{"layers": 1, "d_model": 64, "heads": 4, **wrong})


def test_the_usual_feed_forward_said_in_words_is_the_same_model() -> None:
    """And so the same cell."""
    said = Shape(layers=1, d_model=64, heads=4, d_ff=256)
    assert said == Shape(layers=1, d_model=64, heads=4)
    assert said.canonical() == Shape(layers=1, d_model=64, heads=4).canonical()
