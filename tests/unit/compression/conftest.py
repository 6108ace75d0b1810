"""A small model that knows something, and ways to compress and judge it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from harness import compression
from harness.model.attention import Attention, fused_attention
from harness.model.build import build
from harness.model.shape import Shape
from harness.model.transformer import Transformer
from harness.quality.evaluate import scores
from harness.quality.text import GeneratedText, HeldOut
from harness.session.eager import TorchSession

SMALL = Shape(layers=4, d_model=64, heads=4, vocab=256, context=96)
TAUGHT = Path(__file__).with_name("taught.safetensors")

Compress = Callable[..., Transformer]
Loss = Callable[[Transformer], float]


def untaught() -> Transformer:
    """As `build` initialises it."""
    return build(
        SMALL, lambda shape, _: Attention(shape, fused_attention), device=torch.device("cpu")
    )


@pytest.fixture(scope="session")
def text() -> GeneratedText:
    return GeneratedText()


@pytest.fixture(scope="session")
def documents(text: GeneratedText) -> Sequence[HeldOut]:
    return text.held_out(SMALL.context)


@pytest.fixture(scope="session")
def _taught() -> Transformer:
    """Read from the file beside this one, which `python tests/unit/compression/teach.py` makes."""
    torch.set_num_threads(1)
    model = untaught()
    model.load_state_dict(load_file(TAUGHT))
    return model.eval()


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
        cpu = torch.device("cpu")
        ours, theirs = (TorchSession(one, one, cpu, 1) for one in (model, _taught))
        told = scores(ours.logits, theirs.logits, documents)
        return fmean((one.bits - one.dense_bits) / one.bytes for one in told)

    return made
