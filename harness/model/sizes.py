"""Named sizes: the eight of the GPT-3 paper, an encoder-decoder, and small models for tests.

Source: Brown et al. 2020 (arXiv 2005.14165), Table 2.1. In two of its rows, heads x d_head is not
d_model. For gpt3-xl the table prints 24 heads of 128 and a width of 2048; here it has 16 heads. For
gpt3-13b the table prints a width of 5140; here it is 40 x 128 = 5120.

The dimensions of seed-512 are this project's own. The encoder has the depth and width of
gpt3-small. The single decoder layer is so weak that the encoder must supply nearly all of the
information. 512 is the context.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.architectures import EncoderDecoderShape
from harness.model.shape import Shape


@dataclass(frozen=True)
class Size:
    """A shape with a name."""

    shape: Shape
    summary: str


def _gpt3(layers: int, d_model: int, heads: int, printed: str) -> Size:
    shape = Shape(layers=layers, d_model=d_model, heads=heads)
    return Size(shape, f"GPT-3, {printed} parameters")


SIZES = {
    "nano": Size(
        Shape(layers=2, d_model=64, heads=2, vocab=512, context=256), "for tests: milliseconds"
    ),
    "micro": Size(
        Shape(layers=4, d_model=256, heads=4, vocab=2048, context=512), "for tests: 4M parameters"
    ),
    "reference": Size(
        Shape(layers=4, d_model=256, heads=8, vocab=256, context=256, weights="trained"),
        "3M parameters, trained by the harness on a generated language, for quality",
    ),
    "gpt3-small": _gpt3(12, 768, 12, "125M"),
    "gpt3-medium": _gpt3(24, 1024, 16, "350M"),
    "gpt3-large": _gpt3(24, 1536, 16, "760M"),
    "gpt3-xl": _gpt3(24, 2048, 16, "1.3B"),
    "gpt3-2.7b": _gpt3(32, 2560, 32, "2.7B"),
    "gpt3-6.7b": _gpt3(32, 4096, 32, "6.7B"),
    "gpt3-13b": _gpt3(40, 5120, 40, "13B"),
    "gpt3-175b": _gpt3(96, 12288, 96, "175B"),
    "seed-512": Size(
        EncoderDecoderShape(layers=12, decoder_layers=1, d_model=768, heads=12, context=512),
        "encoder-decoder: 12 encoder layers, a single decoder layer, context 512, 134M parameters",
    ),
}


def size_name(shape: Shape) -> str:
    """The name of this shape; "" if it has none."""
    return next((name for name, size in SIZES.items() if size.shape == shape), "")
