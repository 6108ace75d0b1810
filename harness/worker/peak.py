"""The most memory that a round's process held in a phase, told from inside."""

from __future__ import annotations

import gc
import resource
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil
import torch

_CLEAR = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


class PeakMemory:
    """The most memory this process held since the last restart of the count, in bytes.

    On a GPU what torch reserved there; else what was resident. Linux forgets the peak of the
    load phase when told to (clear_refs 5); where the system has no such call, later phases
    include the earlier ones.
    """

    def __init__(self, device: torch.device) -> None:
        self._on_gpu = device.type == "cuda"

    def restart(self) -> None:
        """Forget the peak so far."""
        if self._on_gpu:
            gc.collect()
            torch.cuda.empty_cache()  # else what was freed before counts as held
            torch.cuda.reset_peak_memory_stats()
        elif _CLEAR.exists():
            _CLEAR.write_text("5")

    def now(self) -> int:
        """What is held at this moment, of what `bytes` tells the peak."""
        if self._on_gpu:
            return torch.cuda.memory_reserved()
        if _STATUS.exists():
            return _status_bytes("VmRSS")
        return psutil.Process().memory_info().rss

    def bytes(self) -> int:
        """The peak since the restart."""
        if self._on_gpu:
            return torch.cuda.max_memory_reserved()
        if _STATUS.exists():
            return _status_bytes("VmHWM")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024

    def on_gpu(self) -> Mapping[str, float]:
        """On a GPU, what tensors took and what torch's allocator held, apart; else nothing."""
        if not self._on_gpu:
            return {}
        return {
            "peak_allocated": torch.cuda.max_memory_allocated(),
            "peak_reserved": torch.cuda.max_memory_reserved(),
        }


def _status_bytes(key: str) -> int:
    rows = _STATUS.read_text().splitlines()
    value = next(row.split()[1] for row in rows if row.startswith(f"{key}:"))
    return int(value) * 1024
