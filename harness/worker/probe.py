"""How far a model's logits are from those of another, on fixed random tokens."""

from __future__ import annotations

import torch

from harness.errors import HarnessError
from harness.model.shape import Shape

_TOKENS = 64


def probe(model: torch.nn.Module, shape: Shape, seed: int) -> torch.Tensor:
    """Logits [1, T, V] in fp32, on the host, of a model of the shape on fixed random tokens."""
    generator = torch.Generator().manual_seed(seed)
    length = min(_TOKENS, shape.context)
    tokens = torch.randint(shape.vocab, (1, length), generator=generator)
    with torch.inference_mode():
        logits: torch.Tensor = model(tokens.to(next(model.parameters()).device))
    return logits.float().cpu()


def require_finite(numbers: torch.Tensor, what: str) -> None:
    """HarnessError where any of them is not finite: such a model has no speed worth showing."""
    if not bool(torch.isfinite(numbers).all()):
        raise HarnessError(f"{what} are not finite numbers")


def distance(logits: torch.Tensor, expected: torch.Tensor) -> float:
    """Of the logits, in parts of the expected ones' norm; HarnessError where there is none."""
    found = (logits - expected).norm() / expected.norm()
    require_finite(found, "the distances between the logits of two models")
    return float(found)
