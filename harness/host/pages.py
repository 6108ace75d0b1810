"""A file's pages in the system's memory, on which hangs how long loading it takes."""

from __future__ import annotations

import os
from pathlib import Path

CAN_DROP = hasattr(os, "posix_fadvise")  # whether the system lets a process ask


def drop_pages(path: Path) -> None:
    """Make the next reader go to the disk. The file was written out before."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
