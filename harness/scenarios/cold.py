"""Cold caches: pushed out before the clock starts, so that the work reads from memory.

A loop over the same weights finds in the caches what fits there, as no server does that has
other work in between. On a GPU it is the L2 cache, on a processor the last level.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

DESCRIPTION = "empty the caches before each timed piece of work, outside the clock"


def flusher(device: torch.device, cache_bytes: int) -> Callable[[], None]:
    """A function that fills the device's caches with other data: twice what they hold.

    On a GPU it is queued before what follows, and so is no part of what events time behind it.
    """
    import torch

    memory = torch.zeros(2 * cache_bytes, dtype=torch.uint8, device=device)

    def flush() -> None:
        memory.add_(1)  # reads and writes: plain stores may pass the caches by

    return flush
