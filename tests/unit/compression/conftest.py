"""A small model that knows something, and ways to compress and judge it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from harness import compression
from harness.model.attention import Attention, fused_attention
from harness.model.shape import Shape
from harness.model.training import fit
from harness.model.transformer import Transformer, build
from harness.quality.evaluate import scores
from harness.quality.text import GeneratedText, HeldOut

SMALL = Shape(layers=4, d_model=64, heads=4, vocab=256, context=96)

Compress = Callable[..., Transformer]
Loss = Callable[[Transformer], float]


@pytest.fixture(scope="session")
def text() -> GeneratedText:
    return GeneratedText()


@pytest.fixture(scope="session")
def documents(text: GeneratedText) -> Sequence[HeldOut]:
    return text.held_out(SMALL.context)


@pytest.fixture(scope="session")
def _taught(text: GeneratedText) -> Transformer:
    """A minute of training would tell more; this is enough to have something to lose."""
    torch.set_num_threads(1)
    model = build(
        SMALL, lambda shape, _: Attention(shape, fused_attention), device=torch.device("cpu")
    )
    steps, batch = 300, 8
    tokens = text.sequences("training", steps * batch, SMALL.context)

    def loss_of(step: int) -> torch.Tensor:
        some = tokens[step * batch : (step + 1) * batch]
        return cross_entropy(model(some[:, :-1]).flatten(0, 1), some[:, 1:].flatten())

    fit(model, steps, 1e-2, loss_of)
    return model


@pytest.fixture
def taught(_taught: Transformer) -> Transformer:
    """A copy of the model that was trained once for all tests."""
    return copy.deepcopy(_taught)


@pytest.fixture
def compress(_taught: Transformer, text: GeneratedText) -> Compress:
    """A copy of the trained model, compressed by (name, options) one after the other."""

    def made(*steps: str | tuple[str, dict[str, Any]]) -> Transformer:
        model = copy.deepcopy(_taught)
        for step in steps:
            name, options = (step, {}) if isinstance(step, str) else step
            entry = compression.registry[name]
            model = entry(entry.Options(**options)).apply(model, text)
        return model

    return made


@pytest.fixture
def loss(_taught: Transformer, documents: Sequence[HeldOut]) -> Loss:
    """Bits per byte that a model needs beyond the trained one."""

    def made(model: Transformer) -> float:
        told = scores(model, _taught, documents)
        return fmean((one.bits - one.dense_bits) / one.bytes for one in told)

    return made
