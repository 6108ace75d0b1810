"""The page cache of a file, which decides how long loading the file takes."""

from __future__ import annotations

import os
from pathlib import Path

CAN_DROP = hasattr(os, "posix_fadvise")  # True if the system lets a process drop pages


def drop_pages(path: Path) -> None:
    """Drops the file's pages from memory, so that the next read goes to the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
