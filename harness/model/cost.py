"""Parameters, FLOPs and bytes of the Transformer, as pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from harness.model.architectures import EncoderDecoderShape, EncoderShape
from harness.model.shape import Shape


@dataclass(frozen=True)
class Work:
    """One pass over the model: `new` tokens per sequence, after `past` tokens already read.

    With `past` 0, the new tokens are the prompt; later, `further` counts the past tokens after
    the prompt. The model computes logits for `logits` of the tokens. `backward` adds the gradients.
    """

    batch: int
    new: int
    past: int = 0
    logits: int = 1
    backward: bool = False
    further: int = 0


class MixerCost(Protocol):
    """An operator's cost in one layer; see harness.operators.Operator."""

    @property
    def cycle(self) -> int:
        """The period, in layers, after which the mixers repeat."""

    def parameters(self, shape: Shape, layer: int) -> int:
        """Parameters of one layer's mixer."""

    def flops(self, shape: Shape, layer: int, batch: int, new: int, past: int) -> int:
        """Matrix FLOPs of one layer's mixer in one pass."""

    def state_bytes(
        self, shape: Shape, layer: int, batch: int, capacity: int, element: float
    ) -> float:
        """Bytes of one layer's decode state, at `element` bytes per number."""


def parameters(shape: Shape, operator: MixerCost) -> int:
    """Parameters of embeddings, blocks, final norm, and head if it is untied."""
    tables = _tables(shape)
    blocks = _blocks_parameters(shape, operator, shape.layers)
    if not isinstance(shape, EncoderDecoderShape):
        return tables + blocks + 2 * shape.d_model
    of_decoder = shape.context * shape.d_model + _decoder_parameters(shape, operator)
    return tables + _encoder_parameters(shape, operator) + of_decoder


def _tables(shape: Shape) -> int:
    """Parameters of the token embedding, the head if it is untied, and the position embedding."""
    return (shape.vocab * (1 if shape.tied else 2) + shape.context) * shape.d_model


def _layers(operator: MixerCost, count: int) -> Iterator[tuple[int, int]]:
    """A layer of each kind, and how many of the first `count` layers are of that kind."""
    for layer in range(min(operator.cycle, count)):
        yield layer, len(range(layer, count, operator.cycle))


def _blocks_parameters(shape: Shape, operator: MixerCost, count: int) -> int:
    feed_forward = 2 * shape.width * shape.d_model + shape.width + shape.d_model
    mixers = sum(times * operator.parameters(shape, one) for one, times in _layers(operator, count))
    return mixers + count * (feed_forward + 4 * shape.d_model)


def _encoder_parameters(shape: EncoderDecoderShape, operator: MixerCost) -> int:
    """Parameters of the blocks, the norm and any readout, without embeddings."""
    readout = 0 if shape.crosses else shape.layers * shape.d_model**2 + shape.d_model
    return _blocks_parameters(shape, operator, shape.layers) + 2 * shape.d_model + readout


def _decoder_parameters(shape: EncoderDecoderShape, operator: MixerCost) -> int:
    """Parameters of the blocks, any cross-attention (projections, norm) and the final norm."""
    crossing = 4 * shape.d_model**2 + 6 * shape.d_model if shape.crosses else 0
    blocks = _blocks_parameters(shape, operator, shape.decoder_depth)
    return blocks + shape.decoder_depth * crossing + 2 * shape.d_model


def flops(shape: Shape, operator: MixerCost, works: Iterable[Work]) -> int:
    """Matrix FLOPs of the passes, two per multiply-add, without norms, GELU and softmax.

    For each product of the forward pass, the backward pass computes two: the gradients of the
    input and of the weight (Kaplan et al. 2020, arXiv 2001.08361, section 2.1).
    """
    return sum(_forward(shape, operator, work) * (3 if work.backward else 1) for work in works)


def _forward(shape: Shape, operator: MixerCost, work: Work) -> int:
    if isinstance(shape, EncoderDecoderShape):
        return _encoder_decoder_flops(shape, operator, work) + _head_flops(shape, work)
    blocks = _block_flops(shape, operator, shape.layers, work.batch, work.new, work.past)
    return blocks + (_head_flops(shape, work) if _has_logits(shape, work) else 0)


def _has_logits(shape: Shape, work: Work) -> bool:
    """False for an encoder outside training: it returns embeddings."""
    return work.backward or not isinstance(shape, EncoderShape)


def _encoder_decoder_flops(shape: EncoderDecoderShape, operator: MixerCost, work: Work) -> int:
    """The encoder reads a prompt; the decoder then reads one token per scored position."""
    reads = work.past == 0
    source = work.new if reads else work.past - work.further
    new, past = (work.logits, 0) if reads else (work.new, 1 + work.further)
    decoder = _block_flops(shape, operator, shape.decoder_depth, work.batch, new, past)
    if shape.crosses:
        decoder += shape.decoder_depth * _cross_attention_flops(
            shape, work.batch, new, source, fresh=reads
        )
    if not reads:
        return decoder
    readout = 0 if shape.crosses else 2 * work.batch * shape.layers * shape.d_model**2
    return decoder + _block_flops(shape, operator, shape.layers, work.batch, source, 0) + readout


def _block_flops(
    shape: Shape, operator: MixerCost, count: int, batch: int, new: int, past: int
) -> int:
    """Matrix FLOPs of the first `count` blocks."""
    mixing = sum(
        times * operator.flops(shape, layer, batch, new, past)
        for layer, times in _layers(operator, count)
    )
    return mixing + count * 4 * batch * new * shape.d_model * shape.width


def _cross_attention_flops(shape: Shape, batch: int, new: int, source: int, *, fresh: bool) -> int:
    """Matrix FLOPs of one layer; `fresh` projects the keys and values, once per prompt."""
    projected = new + (source if fresh else 0)  # each token goes through two D x D matrices
    return 4 * batch * shape.d_model * (shape.d_model * projected + new * source)


def _head_flops(shape: Shape, work: Work) -> int:
    return 2 * work.batch * work.logits * shape.d_model * shape.vocab


@dataclass(frozen=True)
class Weights:
    """Bytes of a model's weights in memory, by how a pass reads them."""

    body: float  # all blocks and the final norm: every pass reads them all
    head: float  # the output matrix, tied or not: read by passes that compute logits
    row: float  # one row of an embedding table: a pass reads only the rows it looks up
    once: float = 0.0  # weights that only the prompt's pass reads: an encoder before a decoder


def dense_weights(shape: Shape, operator: MixerCost, element: float) -> Weights:
    """The weights of the dense model, at `element` bytes per number."""
    tables = _tables(shape)
    body, once = parameters(shape, operator) - tables, 0
    if isinstance(shape, EncoderDecoderShape):
        body -= shape.context * shape.d_model
        once = _encoder_parameters(shape, operator)
        if shape.crosses:  # keys and values, with biases
            once += shape.decoder_depth * 2 * (shape.d_model**2 + shape.d_model)
    return Weights(
        body=(body - once) * element,
        head=shape.vocab * shape.d_model * element,
        row=shape.d_model * element,
        once=once * element,
    )


def bytes_moved(
    shape: Shape,
    operator: MixerCost,
    works: Iterable[Work],
    weights: Weights,
    state_element: float,
) -> float | None:
    """The fewest bytes that the passes move between memory and the processor.

    Every pass reads the weights once, except that only the prompt's pass reads an encoder before
    a decoder, and only passes that compute logits read the head. A pass reads one row of the token
    table per token and one row of the position table per position. It reads the decode state of
    the `past` tokens and writes that of the `new` tokens, at `state_element` bytes per number (0
    without a state).

    Activations are not counted, as if they stayed in caches: the real traffic may be higher.
    Weights are counted as read from memory each time: if the model fits into the caches, the real
    traffic is lower. None for a training step, because gradients, optimizer state and stored
    activations are not counted.
    """
    passes = list(works)
    if any(work.backward for work in passes):
        return None
    return sum(
        _weights_read(shape, work, weights) + _state_moved(shape, operator, work, state_element)
        for work in passes
    )


def weights_read(weights: Weights, works: Iterable[Work]) -> float | None:
    """The fewest bytes of weights that the passes read, for a model with an unknown decode state.

    None for a training step, as in bytes_moved.
    """
    passes = list(works)
    if any(work.backward for work in passes):
        return None
    return sum(weights.body + work.batch * work.new * weights.row for work in passes)


def _weights_read(shape: Shape, work: Work, weights: Weights) -> float:
    new, once = work.new, 0.0
    if isinstance(shape, EncoderDecoderShape) and work.past == 0:
        new, once = work.new + work.logits, weights.once  # both sides look up tokens
    rows = work.batch * new + new  # tokens differ between sequences, positions do not
    head = weights.head if work.logits and _has_logits(shape, work) else 0.0
    return weights.body + once + head + rows * weights.row


def _state_moved(shape: Shape, operator: MixerCost, work: Work, element: float) -> float:
    """Bytes of decode state that one pass reads and writes.

    A pass writes the state of its `new` tokens. The decoder's copy of an encoder's output is
    written with the prompt and read by each later pass.
    """
    batch, new = work.batch, work.new
    if work.past == 0:
        return state_bytes(shape, operator, batch, new, element)
    read = state_bytes(shape, operator, batch, work.past, element, work.further)
    if isinstance(shape, EncoderDecoderShape):
        return read + _states(shape, operator, shape.decoder_depth, batch, new, element)
    return read + state_bytes(shape, operator, batch, new, element)


def weight_bytes(shape: Shape, operator: MixerCost, element: float) -> float:
    """Bytes of all parameters, at `element` bytes each."""
    return parameters(shape, operator) * element


def state_bytes(
    shape: Shape, operator: MixerCost, batch: int, capacity: int, element: float, further: int = 0
) -> float:
    """Bytes of the whole decode state, e.g. the KV cache of all layers.

    `further` of the `capacity` tokens come after the prompt. An encoder keeps nothing. A decoder
    also keeps the encoder's output: keys and values for each layer, or a single vector.
    """
    if isinstance(shape, EncoderShape):
        return 0
    if not isinstance(shape, EncoderDecoderShape):
        return _states(shape, operator, shape.layers, batch, capacity, element)
    decoder = _states(shape, operator, shape.decoder_depth, batch, 1 + further, element)
    vectors = shape.decoder_depth * 2 * (capacity - further) if shape.crosses else 1
    return decoder + vectors * batch * shape.d_model * element


def _states(
    shape: Shape, operator: MixerCost, count: int, batch: int, capacity: int, element: float
) -> float:
    """Bytes of the decode state of the first `count` layers' mixers."""
    return sum(
        times * operator.state_bytes(shape, layer, batch, capacity, element)
        for layer, times in _layers(operator, count)
    )
