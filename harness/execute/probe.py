"""How far a model's logits are from those of another, on fixed random tokens."""

from __future__ import annotations

import math

import torch

from harness.errors import HarnessError
from harness.model.shape import Shape

_TOKENS = 64


def probe(model: torch.nn.Module, seed: int) -> torch.Tensor:
    """Logits [1, T, V] in fp32 on fixed random tokens."""
    shape = model.shape
    assert isinstance(shape, Shape)
    generator = torch.Generator().manual_seed(seed)
    length = min(_TOKENS, shape.context)
    tokens = torch.randint(shape.vocab, (1, length), generator=generator)
    with torch.inference_mode():
        logits: torch.Tensor = model(tokens.to(next(model.parameters()).device))
    return logits.float()


def distance(logits: torch.Tensor, expected: torch.Tensor) -> float:
    """Of the logits, in parts of the expected ones' norm; an error where there is none.

    A model whose output is no number has no speed worth showing.
    """
    found = float((logits - expected).norm() / expected.norm())
    if not math.isfinite(found):
        raise HarnessError("the model's logits are not finite numbers")
    return found
