"""Fixed random tokens, and how far two models' answers to them are apart."""

from __future__ import annotations

import torch

from harness.errors import HarnessError
from harness.model.shape import BaseShape

_TOKENS = 64


def probe_tokens(shape: BaseShape, seed: int) -> torch.Tensor:
    """[1, T] token ids, the same for the same seed; T is 64, or the context where that is less."""
    generator = torch.Generator().manual_seed(seed)
    length = min(_TOKENS, shape.context)
    return torch.randint(shape.vocab, (1, length), generator=generator)


def require_finite(numbers: torch.Tensor, what: str) -> None:
    """HarnessError if any is not finite: such a model has no speed worth showing."""
    if not bool(torch.isfinite(numbers).all()):
        raise HarnessError(f"{what} are not finite numbers")


def distance(logits: torch.Tensor, expected: torch.Tensor) -> float:
    """Norm of the difference in parts of the expected norm; HarnessError if it is not finite."""
    found = (logits - expected).norm() / expected.norm()
    require_finite(found, "the distances between the logits of two models")
    return float(found)
