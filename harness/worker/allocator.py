"""Puts the C library's allocator into the same state in every round.

glibc maps each large block anew, one page fault a page, until a large enough block was freed; from
then on it takes such blocks from a heap that it keeps (mallopt(3), the dynamic M_MMAP_THRESHOLD).
So the blocks that a process happens to free while it loads the model decide how fast it allocates
activations: bf16 prefill differed by a fifth between rounds of one cell. `steady` sets the state
that a long-running server ends up in: large blocks come from the heap, and the heap is kept.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

Allocator: TypeAlias = Literal["steady", "default"]

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_MAX_TRIM = 2**31 - 1  # bytes: the largest int, which is what mallopt takes
_MMAP = 2**30
_MAX_MMAP = 2**25  # the largest threshold that a glibc with a bound accepts, on 64 bits


def configure(wanted: Allocator, library: Any = None) -> str:
    """Sets the allocator's state for the rest of this process, and returns it in words."""
    libc = library or _libc()
    if wanted == "default":
        return "the system's default"
    if not hasattr(libc, "gnu_get_libc_version"):
        return "the system's default: this is not glibc"
    mallopt: Callable[[int, int], int] = libc.mallopt
    threshold = next((size for size in (_MMAP, _MAX_MMAP) if mallopt(_M_MMAP_THRESHOLD, size)), 0)
    kept = mallopt(_M_TRIM_THRESHOLD, _MAX_TRIM)
    blocks = f"blocks of up to {threshold // 2**20} MiB from a heap"
    if threshold and kept:
        return f"glibc, {blocks} that is kept"
    if threshold:
        return f"glibc, {blocks}; mallopt refused to keep the heap"
    if kept:
        return "glibc, a heap that is kept; mallopt refused to take large blocks from it"
    return "the system's default: mallopt refused to change it"


def trim(library: Any = None) -> None:
    """Returns free memory to the system, so that all rounds start with equally little of it."""
    libc = library or _libc()
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)


def _libc() -> Any:
    return ctypes.CDLL(None) if sys.platform == "linux" else None
