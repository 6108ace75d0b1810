"""Which operators can do without a mask; what each one's does is in test_contract.py."""

from __future__ import annotations

import pytest

from harness.errors import Unsupported
from harness.model.mixer import TokenMixer
from harness.model.shape import Shape
from harness.operators.math import Math
from harness.operators.sdpa import Sdpa


class Narrow(Sdpa):
    """Mixes in a way of its own, built on another operator."""

    name, summary = "narrow", "sees few tokens"

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        return super().mixer(shape, layer)


class Renamed(Sdpa):
    """Mixes as its base does."""


def test_exact_attention_can() -> None:
    assert Sdpa.bidirectional
    assert Math.bidirectional
    assert Renamed.bidirectional


def test_a_mixer_of_its_own_does_not_inherit_another_ones_unmasked_form() -> None:
    """Else an encoder would be measured with another operator than its cell names."""
    assert not Narrow.bidirectional
    with pytest.raises(
        Unsupported, match="narrow is causal: each token sees only the tokens before it"
    ):
        Narrow().unmasked(Shape(layers=1, d_model=8, heads=2), 0)
