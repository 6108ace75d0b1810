"""What a scenario gives a session to do: the cell's amounts, and which tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from harness.hardware.caches import last_level_bytes


@dataclass(frozen=True)
class Workload:
    """The cell's amounts (batch, prompt, generate) and the tokens that they are amounts of.

    `batch` sequences are this rank's: share number `share` of the cell's.
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

        Ranks that share a batch each have their own part of the same tokens. Dense kernels take the
        same time whatever the token ids are, so speed needs no real text.
        """
        generator = torch.Generator().manual_seed(self.seed)
        upto = (self.share + 1) * self.batch
        tokens = torch.randint(self.vocab, (upto, length), generator=generator)
        return tokens[-self.batch :]
