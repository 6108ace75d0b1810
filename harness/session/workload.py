"""A scenario's work for a session: the cell's amounts and the tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from harness.hardware.caches import last_level_bytes


@dataclass(frozen=True)
class Workload:
    """The cell's amounts (batch, prompt, generate), and the random tokens.

    `batch` sequences are for this rank: number `share` of the equal shares of the cell's batch.
    """

    amounts: Mapping[str, int]
    vocab: int
    seed: int
    batch: int
    share: int = 0
    # Bytes of the device's last-level cache; raises Unsupported if the system does not report it.
    cache_bytes: Callable[[], int] = last_level_bytes

    def tokens(self, length: int) -> torch.Tensor:
        """[batch, length] token ids, uniform over the vocabulary, the same for the same seed.

        Ranks that share a batch get different parts of the same tokens. Real text is not needed:
        the time of dense kernels does not depend on the token ids.
        """
        generator = torch.Generator().manual_seed(self.seed)
        rows = (self.share + 1) * self.batch
        tokens = torch.randint(self.vocab, (rows, length), generator=generator)
        return tokens[-self.batch :]
