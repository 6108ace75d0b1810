"""Parameters, FLOPs and bytes of the Transformer, as pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from harness.model.architectures import EncoderDecoderShape, EncoderShape
from harness.model.shape import Shape


@dataclass(frozen=True)
class Work:
    """One pass over the model: `new` tokens a sequence, after `past` ones already seen.

    With no past they are the prompt. `further` of the past ones came behind it. `logits` is for
    how many tokens the vocabulary is scored; `backward` adds the gradients.
    """

    batch: int
    new: int
    past: int = 0
    logits: int = 1
    backward: bool = False
    further: int = 0


class MixerCost(Protocol):
    """What an operator tells of one layer's mixer; see harness.operators.Operator."""

    def parameters(self, shape: Shape) -> int:
        """Of one layer."""

    def flops(self, shape: Shape, batch: int, new: int, past: int) -> int:
        """Of one layer."""

    def state_bytes(self, shape: Shape, batch: int, capacity: int, element: float) -> float:
        """Of one layer."""


def parameters(shape: Shape, operator: MixerCost) -> int:
    """Embeddings, blocks (mixer, feed-forward, two norms) and the final norm; the head is tied."""
    width, d_model = shape.width, shape.d_model
    feed_forward = 2 * width * d_model + width + d_model
    block = operator.parameters(shape) + feed_forward + 4 * d_model
    one_stack = (shape.vocab + shape.context) * d_model + shape.layers * block + 2 * d_model
    if not isinstance(shape, EncoderDecoderShape):
        return one_stack
    return one_stack + _decoder_parameters(shape, block)


def _decoder_parameters(shape: EncoderDecoderShape, block: int) -> int:
    """Beside the encoder and the token embedding: positions, blocks, norm, and what joins them."""
    d_model = shape.d_model
    crossing = 4 * d_model**2 + 4 * d_model + 2 * d_model  # projections with biases, and a norm
    readout = shape.layers * d_model**2 + d_model
    blocks = shape.decoder_depth * (block + (crossing if shape.crosses else 0))
    joint = 0 if shape.crosses else readout
    return shape.context * d_model + blocks + 2 * d_model + joint


def flops(shape: Shape, operator: MixerCost, works: Iterable[Work]) -> int:
    """Matrix FLOPs of the passes, two a multiply-add; norms, GELU and softmax not counted.

    A backward pass takes two products for each one forward: for the input's gradient and the
    weight's (Kaplan et al. 2020, arXiv 2001.08361, section 2.1).
    """
    return sum(_forward(shape, operator, work) * (3 if work.backward else 1) for work in works)


def _forward(shape: Shape, operator: MixerCost, work: Work) -> int:
    if isinstance(shape, EncoderDecoderShape):
        return _encoder_decoder(shape, operator, work) + _head(shape, work)
    blocks = shape.layers * _block(shape, operator, work.batch, work.new, work.past)
    # Without gradients an encoder gives embeddings, and scores nothing.
    scores = work.backward or not isinstance(shape, EncoderShape)
    return blocks + (_head(shape, work) if scores else 0)


def _encoder_decoder(shape: EncoderDecoderShape, operator: MixerCost, work: Work) -> int:
    """A prompt goes through the encoder, and the decoder reads a token for each one scored."""
    reads = work.past == 0
    source = work.new if reads else work.past - work.further
    new, past = (work.logits, 0) if reads else (work.new, 1 + work.further)
    one = _block(shape, operator, work.batch, new, past)
    if shape.crosses:
        one += _crossing(shape, work.batch, new, source, fresh=reads)
    spoken = shape.decoder_depth * one
    if not reads:
        return spoken
    readout = 0 if shape.crosses else 2 * work.batch * shape.layers * shape.d_model**2
    return spoken + shape.layers * _block(shape, operator, work.batch, source, 0) + readout


def _block(shape: Shape, operator: MixerCost, batch: int, new: int, past: int) -> int:
    feed_forward = 4 * batch * new * shape.d_model * shape.width
    return operator.flops(shape, batch, new, past) + feed_forward


def _crossing(shape: Shape, batch: int, new: int, source: int, *, fresh: bool) -> int:
    """Cross-attention of one layer: keys and values are projected once a prompt."""
    projected = new + (source if fresh else 0)  # two matrices of D x D a token on either side
    return 4 * batch * shape.d_model * (shape.d_model * projected + new * source)


def _head(shape: Shape, work: Work) -> int:
    return 2 * work.batch * work.logits * shape.d_model * shape.vocab


def weight_bytes(shape: Shape, operator: MixerCost, element: float) -> float:
    """Bytes of all parameters at `element` bytes each."""
    return parameters(shape, operator) * element


def state_bytes(
    shape: Shape, operator: MixerCost, batch: int, capacity: int, element: float, further: int = 0
) -> float:
    """Bytes of the whole decode state, e.g. the KV cache of all layers.

    Of the `capacity` tokens `further` come behind the prompt. An encoder keeps nothing. What an
    encoder hands on to a decoder is kept: keys and values for each layer, or the one vector.
    """
    if isinstance(shape, EncoderShape):
        return 0
    if not isinstance(shape, EncoderDecoderShape):
        return shape.layers * operator.state_bytes(shape, batch, capacity, element)
    own = shape.decoder_depth * operator.state_bytes(shape, batch, 1 + further, element)
    seen = shape.decoder_depth * 2 * (capacity - further) if shape.crosses else 1
    return own + seen * batch * shape.d_model * element
