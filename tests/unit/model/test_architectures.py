"""The shapes of the architectures: what follows from their dimensions."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from harness.domain.cell import Choice
from harness.errors import UnknownName
from harness.model.architectures import SHAPES, EncoderDecoderShape, EncoderShape, shape_of
from harness.model.shape import Shape
from harness.model.sizes import SIZES

DIMENSIONS = {"layers": 6, "d_model": 64, "heads": 2}


@pytest.mark.parametrize("kind", SHAPES.values(), ids=SHAPES)
def test_a_cells_model_is_read_back_as_its_shape(kind: type[Shape]) -> None:
    shape = kind(**DIMENSIONS, context=16)
    assert shape == shape_of(Choice(kind.architecture, shape.canonical()))


def test_an_unknown_architecture_is_told_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'encoder'"):
        shape_of(Choice("encodr", ()))


def test_as_many_decoder_layers_as_encoder_layers_is_the_default() -> None:
    """Said in words or not, it is the same cell."""
    said = EncoderDecoderShape(**DIMENSIONS, decoder_layers=6)
    assert said == EncoderDecoderShape(**DIMENSIONS)
    assert (said.decoder_depth, said.canonical()) == (6, tuple(sorted(DIMENSIONS.items())))


@pytest.mark.parametrize(
    ("shape", "positions"),
    [
        (Shape(**DIMENSIONS), 15),
        (EncoderShape(**DIMENSIONS), 10),
        (EncoderDecoderShape(**DIMENSIONS), 10),
    ],
)
def test_what_the_context_must_hold(shape: Shape, positions: int) -> None:
    """Of a prompt of 10 and 5 further tokens: both, or the longer side."""
    assert positions == shape.longest(prompt=10, further=5)


def test_the_decoders_side_counts_its_start_token() -> None:
    assert EncoderDecoderShape(**DIMENSIONS).longest(prompt=2, further=5) == 6


@pytest.mark.parametrize("kind", [EncoderShape, EncoderDecoderShape])
def test_weights_are_of_a_decoder_only(kind: type[Shape]) -> None:
    with pytest.raises(ValidationError, match="weights can be loaded into a decoder only"):
        kind(**DIMENSIONS, weights="x.safetensors")


def test_seed_512_has_one_decoder_layer_and_a_context_of_512() -> None:
    shape = SIZES["seed-512"].shape
    assert isinstance(shape, EncoderDecoderShape)
    assert (shape.decoder_depth, shape.context, shape.size) == (1, 512, "12+1L-768d-12h")
