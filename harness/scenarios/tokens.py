"""Random tokens: what the scenarios feed the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from harness.scenarios import Subject


def random_tokens(subject: Subject, length: int) -> torch.Tensor:
    """[batch, length] token ids, uniform over the vocabulary, the same for the same seed.

    Processes that share a batch have each its own part of the same tokens.

    Dense kernels take the same time whatever the token ids are, so speed needs no real text.
    """
    import torch

    generator = torch.Generator().manual_seed(subject.seed)
    vocab = subject.core.shape.vocab
    upto = (subject.share + 1) * subject.batch
    tokens = torch.randint(vocab, (upto, length), generator=generator)
    return tokens[-subject.batch :].to(subject.device)
