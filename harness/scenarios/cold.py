"""Cold caches: flushed before each timed section, so that the work reads from memory.

A loop that repeats the same work finds its weights in the caches. A server that does other work in
between does not. The caches are the L2 of a GPU and the last level of a processor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

DESCRIPTION = "flush the caches before each timed section; flushing is not timed"


def flusher(device: torch.device, cache_bytes: int) -> Callable[[], None]:
    """A function that overwrites the caches of a device with twice as many bytes as they hold.

    On a GPU it runs in the stream before the timed work, so CUDA events do not time it.
    """
    import torch

    memory = torch.zeros(2 * cache_bytes, dtype=torch.uint8, device=device)

    def flush() -> None:
        memory.add_(1)  # reads and writes, because plain stores may bypass the caches

    return flush
