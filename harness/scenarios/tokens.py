"""Random tokens: what the scenarios feed the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from harness.scenarios import Workload


def random_tokens(workload: Workload, length: int) -> torch.Tensor:
    """[batch, length] token ids, uniform over the vocabulary, the same for the same seed.

    Ranks that share a batch each have their own part of the same tokens.

    Dense kernels take the same time whatever the token ids are, so speed needs no real text.
    """
    import torch

    generator = torch.Generator().manual_seed(workload.seed)
    upto = (workload.share + 1) * workload.batch
    tokens = torch.randint(workload.vocab, (upto, length), generator=generator)
    return tokens[-workload.batch :]
