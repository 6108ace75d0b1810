"""Cold caches: pushed out before the clock starts, so that the work reads from memory.

A loop over the same weights finds in the caches what fits there, as no server does that has
other work in between. On a GPU it is the L2 cache, on a processor the last level.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import Unsupported

if TYPE_CHECKING:
    import torch


CPU = Path("/sys/devices/system/cpu")
DESCRIPTION = "empty the caches before each timed piece of work, outside the clock"


def flusher(device: torch.device) -> Callable[[], None]:
    """A function that fills the device's caches with other data: twice what they hold.

    On a GPU it is queued before what follows, and so is no part of what events time behind it.
    Raises Unsupported where the size of the caches is not told.
    """
    import torch

    size = _gpu_cache(device) if device.type == "cuda" else last_level_bytes()
    memory = torch.zeros(2 * size, dtype=torch.uint8, device=device)

    def flush() -> None:
        memory.add_(1)  # reads and writes: plain stores may pass the caches by

    return flush


def last_level_bytes(cpu: Path = CPU) -> int:
    """Bytes of all caches of the highest level of this host's processors, as Linux tells them."""
    caches = [_cache(folder) for folder in cpu.glob("cpu[0-9]*/cache/index[0-9]*")]
    if not caches:
        raise Unsupported("this system does not tell the size of its caches; `cold` needs it")
    highest = max(level for level, _, _ in caches)
    # One that several cores share is told by each of them.
    distinct = {sharing: size for level, sharing, size in caches if level == highest}
    return sum(distinct.values())


def _cache(folder: Path) -> tuple[int, str, int]:
    """Its level, the cores that share it, and its bytes, told in KiB: `32768K`."""
    level, sharing, size = (
        (folder / name).read_text().strip() for name in ("level", "shared_cpu_list", "size")
    )
    return int(level), sharing, int(size.removesuffix("K")) * 1024


def _gpu_cache(device: torch.device) -> int:
    import torch

    return int(torch.cuda.get_device_properties(device).L2_cache_size)
