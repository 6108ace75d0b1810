"""Parameters, FLOPs and bytes of the Transformer, as pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
    """What an operator tells of each layer's mixer; see harness.operators.Operator."""

    @property
    def cycle(self) -> int:
        """After how many layers they are alike again."""

    def parameters(self, shape: Shape, layer: int) -> int:
        """Of one layer."""

    def flops(self, shape: Shape, layer: int, batch: int, new: int, past: int) -> int:
        """Of one layer."""

    def state_bytes(
        self, shape: Shape, layer: int, batch: int, capacity: int, element: float
    ) -> float:
        """Of one layer."""


def parameters(shape: Shape, operator: MixerCost) -> int:
    """Embeddings, blocks (mixer, feed-forward, two norms), the final norm, the head if untied."""
    tables = _tables(shape)
    blocks = _blocks_parameters(shape, operator, shape.layers)
    if not isinstance(shape, EncoderDecoderShape):
        return tables + blocks + 2 * shape.d_model
    of_decoder = shape.context * shape.d_model + _decoder_parameters(shape, operator)
    return tables + _encoder_parameters(shape, operator) + of_decoder


def _tables(shape: Shape) -> int:
    """Of tokens, once or, with a head of its own, twice; of positions."""
    return (shape.vocab * (1 if shape.tied else 2) + shape.context) * shape.d_model


def _layers(operator: MixerCost, count: int) -> Iterator[tuple[int, int]]:
    """A layer of each kind, and how many of that kind there are among so many."""
    for layer in range(min(operator.cycle, count)):
        yield layer, len(range(layer, count, operator.cycle))


def _blocks_parameters(shape: Shape, operator: MixerCost, count: int) -> int:
    feed_forward = 2 * shape.width * shape.d_model + shape.width + shape.d_model
    mixers = sum(times * operator.parameters(shape, one) for one, times in _layers(operator, count))
    return mixers + count * (feed_forward + 4 * shape.d_model)


def _encoder_parameters(shape: EncoderDecoderShape, operator: MixerCost) -> int:
    """Blocks, norm and readout, if it has one; embeddings left out."""
    readout = 0 if shape.crosses else shape.layers * shape.d_model**2 + shape.d_model
    return _blocks_parameters(shape, operator, shape.layers) + 2 * shape.d_model + readout


def _decoder_parameters(shape: EncoderDecoderShape, operator: MixerCost) -> int:
    """Blocks with cross-attention (four projections and a norm), if any, and the final norm."""
    crossing = 4 * shape.d_model**2 + 6 * shape.d_model if shape.crosses else 0
    blocks = _blocks_parameters(shape, operator, shape.decoder_depth)
    return blocks + shape.decoder_depth * crossing + 2 * shape.d_model


def flops(shape: Shape, operator: MixerCost, works: Iterable[Work]) -> int:
    """Matrix FLOPs of the passes, two a multiply-add; norms, GELU and softmax not counted.

    A backward pass takes two products for each one forward: for the input's gradient and the
    weight's (Kaplan et al. 2020, arXiv 2001.08361, section 2.1).
    """
    return sum(_forward(shape, operator, work) * (3 if work.backward else 1) for work in works)


def _forward(shape: Shape, operator: MixerCost, work: Work) -> int:
    if isinstance(shape, EncoderDecoderShape):
        return _encoder_decoder(shape, operator, work) + _head(shape, work)
    blocks = _blocks(shape, operator, shape.layers, work.batch, work.new, work.past)
    return blocks + (_head(shape, work) if _scores(shape, work) else 0)


def _scores(shape: Shape, work: Work) -> bool:
    """Without gradients an encoder gives embeddings, and scores nothing."""
    return work.backward or not isinstance(shape, EncoderShape)


def _encoder_decoder(shape: EncoderDecoderShape, operator: MixerCost, work: Work) -> int:
    """A prompt goes through the encoder, and the decoder reads a token for each one scored."""
    reads = work.past == 0
    source = work.new if reads else work.past - work.further
    new, past = (work.logits, 0) if reads else (work.new, 1 + work.further)
    spoken = _blocks(shape, operator, shape.decoder_depth, work.batch, new, past)
    if shape.crosses:
        spoken += shape.decoder_depth * _crossing(shape, work.batch, new, source, fresh=reads)
    if not reads:
        return spoken
    readout = 0 if shape.crosses else 2 * work.batch * shape.layers * shape.d_model**2
    return spoken + _blocks(shape, operator, shape.layers, work.batch, source, 0) + readout


def _blocks(shape: Shape, operator: MixerCost, count: int, batch: int, new: int, past: int) -> int:
    """So many blocks, from the first on."""
    mixing = sum(
        times * operator.flops(shape, layer, batch, new, past)
        for layer, times in _layers(operator, count)
    )
    return mixing + count * 4 * batch * new * shape.d_model * shape.width


def _crossing(shape: Shape, batch: int, new: int, source: int, *, fresh: bool) -> int:
    """Cross-attention of one layer: keys and values are projected once a prompt."""
    projected = new + (source if fresh else 0)  # two matrices of D x D a token on either side
    return 4 * batch * shape.d_model * (shape.d_model * projected + new * source)


def _head(shape: Shape, work: Work) -> int:
    return 2 * work.batch * work.logits * shape.d_model * shape.vocab


@dataclass(frozen=True)
class Weights:
    """Bytes of a model's weights as they run, by how a pass reads them."""

    body: float  # of all blocks and the final norm: read whole by every pass
    head: float  # of the output matrix, tied or not: read whole where logits are scored
    row: float  # of one row of an embedding table: a pass reads only those it looks up
    once: float = 0.0  # of what only the pass over a prompt reads: an encoder before a decoder


def dense_weights(shape: Shape, operator: MixerCost, element: float) -> Weights:
    """Those of the dense model at `element` bytes a number."""
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
    """The least bytes that the passes move between memory and the processor.

    Every pass reads the weights once: an encoder's before a decoder only with a prompt, the
    head's only where something is scored. It reads a row of the token table for each token, of
    the position table for each position; it reads the decode state of the `past` tokens and
    writes that of the `new` ones, a number of which takes `state_element` bytes (0 without a
    state).
    Activations are not counted, as if they stayed in caches: more may move. Weights are counted
    as coming from memory each time: of a model that fits into the caches less does. None for a
    training step, whose gradients, optimizer state and kept activations are not counted.
    """
    passes = list(works)
    if any(work.backward for work in passes):
        return None
    return sum(
        _weights_read(shape, work, weights) + _state_moved(shape, operator, work, state_element)
        for work in passes
    )


def weights_read(weights: Weights, works: Iterable[Work]) -> float | None:
    """The least bytes that the passes read of a model whose decode state is unknown: its weights.

    None for a training step, as above.
    """
    passes = list(works)
    if any(work.backward for work in passes):
        return None
    return sum(weights.body + work.batch * work.new * weights.row for work in passes)


def _weights_read(shape: Shape, work: Work, weights: Weights) -> float:
    new, once = work.new, 0.0
    if isinstance(shape, EncoderDecoderShape) and work.past == 0:
        new, once = work.new + work.logits, weights.once  # looked up on both sides
    rows = work.batch * new + new  # tokens differ between sequences, positions do not
    head = weights.head if work.logits and _scores(shape, work) else 0.0
    return weights.body + once + head + rows * weights.row


def _state_moved(shape: Shape, operator: MixerCost, work: Work, element: float) -> float:
    """What an operator keeps of `new` tokens is what it writes, be it a row each or one state.

    What an encoder handed on is written with the prompt, and read whole by each later pass.
    """
    batch, new = work.batch, work.new
    if work.past == 0:
        return state_bytes(shape, operator, batch, new, element)
    read = state_bytes(shape, operator, batch, work.past, element, work.further)
    if isinstance(shape, EncoderDecoderShape):
        return read + _states(shape, operator, shape.decoder_depth, batch, new, element)
    return read + state_bytes(shape, operator, batch, new, element)


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
        return _states(shape, operator, shape.layers, batch, capacity, element)
    own = _states(shape, operator, shape.decoder_depth, batch, 1 + further, element)
    seen = shape.decoder_depth * 2 * (capacity - further) if shape.crosses else 1
    return own + seen * batch * shape.d_model * element


def _states(
    shape: Shape, operator: MixerCost, count: int, batch: int, capacity: int, element: float
) -> float:
    """Of so many layers' mixers, from the first on."""
    return sum(
        times * operator.state_bytes(shape, layer, batch, capacity, element)
        for layer, times in _layers(operator, count)
    )
