"""Random tokens to probe a model with, and the relative error of its logits."""

from __future__ import annotations

import torch

from harness.errors import HarnessError
from harness.model.shape import BaseShape

_TOKENS = 64


def probe_tokens(shape: BaseShape, seed: int) -> torch.Tensor:
    """[1, T] random token ids, determined by the seed; T is 64, or the context if shorter."""
    generator = torch.Generator().manual_seed(seed)
    length = min(_TOKENS, shape.context)
    return torch.randint(shape.vocab, (1, length), generator=generator)


def require_finite(numbers: torch.Tensor, what: str) -> None:
    """Raises HarnessError if a number is not finite: the speed of such a model means nothing."""
    if not bool(torch.isfinite(numbers).all()):
        raise HarnessError(f"{what} are not finite numbers")


def relative_error(logits: torch.Tensor, expected: torch.Tensor) -> float:
    """The norm of the difference over the norm of `expected`.

    Raises HarnessError if it is not finite.
    """
    error = (logits - expected).norm() / expected.norm()
    require_finite(error, "the differences between the logits of two models")
    return float(error)
