"""Parameters, FLOPs and bytes of the Transformer, as pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from harness.model.shape import Shape


@dataclass(frozen=True)
class Work:
    """One pass over the model: `new` tokens a sequence, after `past` ones already seen.

    `logits` is for how many of them the vocabulary is scored; `backward` adds the gradients.
    """

    batch: int
    new: int
    past: int = 0
    logits: int = 1
    backward: bool = False


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
    """Embeddings, blocks (mixer, feed-forward, two norms) and the final norm; the head is tied."""
    width, d_model = shape.width, shape.d_model
    feed_forward = 2 * width * d_model + width + d_model
    mixers = sum(times * operator.parameters(shape, one) for one, times in _layers(shape, operator))
    blocks = mixers + shape.layers * (feed_forward + 4 * d_model)
    return (shape.vocab + shape.context) * d_model + blocks + 2 * d_model


def _layers(shape: Shape, operator: MixerCost) -> Iterator[tuple[int, int]]:
    """A layer of each kind, and how many of that kind there are."""
    for layer in range(min(operator.cycle, shape.layers)):
        yield layer, len(range(layer, shape.layers, operator.cycle))


def flops(shape: Shape, operator: MixerCost, works: Iterable[Work]) -> int:
    """Matrix FLOPs of the passes, two a multiply-add; norms, GELU and softmax not counted.

    A backward pass takes two products for each one forward: for the input's gradient and the
    weight's (Kaplan et al. 2020, arXiv 2001.08361, section 2.1).
    """
    return sum(_forward(shape, operator, work) * (3 if work.backward else 1) for work in works)


def _forward(shape: Shape, operator: MixerCost, work: Work) -> int:
    mixing = sum(
        times * operator.flops(shape, layer, work.batch, work.new, work.past)
        for layer, times in _layers(shape, operator)
    )
    feed_forward = 4 * work.batch * work.new * shape.d_model * shape.width
    head = 2 * work.batch * work.logits * shape.d_model * shape.vocab
    return mixing + shape.layers * feed_forward + head


@dataclass(frozen=True)
class Weights:
    """Bytes of a model's weights as they run, by how a pass reads them."""

    body: float  # of all blocks and the final norm: read whole by every pass
    head: float  # of the output matrix, tied or not: read whole where logits are scored
    row: float  # of one row of an embedding table: a pass reads only those it looks up


def dense_weights(shape: Shape, operator: MixerCost, element: float) -> Weights:
    """Those of the dense model at `element` bytes a number."""
    tables = (shape.vocab + shape.context) * shape.d_model
    return Weights(
        body=(parameters(shape, operator) - tables) * element,
        head=shape.vocab * shape.d_model * element,
        row=shape.d_model * element,
    )


def bytes_moved(
    shape: Shape,
    operator: MixerCost,
    works: Iterable[Work],
    weights: Weights,
    state_element: float,
) -> float | None:
    """The least bytes that the passes move between memory and the processor.

    Every pass reads the weights once, and a row of the token table for each token, of the
    position table for each position; it reads the decode state of the `past` tokens and writes
    that of the `new` ones, a number of which takes `state_element` bytes (0 without a state).
    Activations are not counted, as if they stayed in caches: more may move. Weights are counted
    as coming from memory each time: of a model that fits into the caches less does. None for a
    training step, whose gradients, optimizer state and kept activations are not counted.
    """
    passes = list(works)
    if any(work.backward for work in passes):
        return None
    return sum(
        _weights_read(work, weights) + _state_moved(shape, operator, work, state_element)
        for work in passes
    )


def _weights_read(work: Work, weights: Weights) -> float:
    rows = work.batch * work.new + work.new  # tokens differ between sequences, positions do not
    return weights.body + (weights.head if work.logits else 0) + rows * weights.row


def _state_moved(shape: Shape, operator: MixerCost, work: Work, element: float) -> float:
    """What an operator keeps of `new` tokens is what it writes, be it a row each or one state."""
    read = state_bytes(shape, operator, work.batch, work.past, element) if work.past else 0
    return read + state_bytes(shape, operator, work.batch, work.new, element)


def weight_bytes(shape: Shape, operator: MixerCost, element: float) -> float:
    """Bytes of all parameters at `element` bytes each."""
    return parameters(shape, operator) * element


def state_bytes(
    shape: Shape, operator: MixerCost, batch: int, capacity: int, element: float
) -> float:
    """Bytes of the whole decode state, e.g. the KV cache of all layers."""
    return sum(
        times * operator.state_bytes(shape, layer, batch, capacity, element)
        for layer, times in _layers(shape, operator)
    )
