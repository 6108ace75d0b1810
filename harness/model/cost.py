"""Parameters, FLOPs and bytes of the Transformer, as pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterable
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
    return (shape.vocab + shape.context) * d_model + shape.layers * block + 2 * d_model


def flops(shape: Shape, operator: MixerCost, works: Iterable[Work]) -> int:
    """Matrix FLOPs of the passes, two a multiply-add; norms, GELU and softmax not counted.

    A backward pass takes two products for each one forward: for the input's gradient and the
    weight's (Kaplan et al. 2020, arXiv 2001.08361, section 2.1).
    """
    return sum(_forward(shape, operator, work) * (3 if work.backward else 1) for work in works)


def _forward(shape: Shape, operator: MixerCost, work: Work) -> int:
    mixing = operator.flops(shape, work.batch, work.new, work.past)
    feed_forward = 4 * work.batch * work.new * shape.d_model * shape.width
    head = 2 * work.batch * work.logits * shape.d_model * shape.vocab
    return shape.layers * (mixing + feed_forward) + head


def weight_bytes(shape: Shape, operator: MixerCost, element: float) -> float:
    """Bytes of all parameters at `element` bytes each."""
    return parameters(shape, operator) * element


def state_bytes(
    shape: Shape, operator: MixerCost, batch: int, capacity: int, element: float
) -> float:
    """Bytes of the whole decode state, e.g. the KV cache of all layers."""
    return shape.layers * operator.state_bytes(shape, batch, capacity, element)
