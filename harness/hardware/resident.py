"""The resident memory of this process."""

from __future__ import annotations

import resource
import sys
from collections.abc import Mapping
from pathlib import Path

_CLEAR = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


class ResidentMemory:
    """A MemoryProbe of resident memory.

    Linux can reset the peak (clear_refs 5). On other systems the peak of a phase includes the peaks
    of earlier phases.
    """

    def restart(self) -> None:
        """Resets the peak, if the system can."""
        if _CLEAR.exists():
            _CLEAR.write_text("5")

    def now(self) -> int:
        """Bytes resident now."""
        if _STATUS.exists():
            return _status_bytes("VmRSS")
        import psutil

        resident: int = psutil.Process().memory_info().rss
        return resident

    def peak(self) -> int:
        """The most bytes resident since the restart."""
        if _STATUS.exists():
            return _status_bytes("VmHWM")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024

    def facts(self) -> Mapping[str, float]:
        """No facts: the system cannot distinguish tensors from the allocator's reserve."""
        return {}


def _status_bytes(key: str) -> int:
    rows = _STATUS.read_text().splitlines()
    value = next(row.split()[1] for row in rows if row.startswith(f"{key}:"))
    return int(value) * 1024
