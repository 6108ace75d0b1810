"""The state of the C library's allocator, which every round starts from alike.

glibc maps large blocks anew, page fault by page fault, until a large enough one was freed; from
then on it takes them from a heap that it keeps (mallopt(3), the dynamic M_MMAP_THRESHOLD). So
what a process happened to free while it loaded the model decides how fast its activations are
made: bf16 prefill differed by a fifth between rounds of one cell. `steady` fixes the state that a
server comes to after a while: large blocks come from the heap, and the heap is kept.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

Allocator: TypeAlias = Literal["steady", "default"]

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_KEPT = 2**31 - 1  # bytes; an int is what mallopt takes
_MAPPED = 2**30
_MOST_MAPPED = 2**25  # what a glibc that bounds the threshold takes, on 64 bits


def settle(wanted: Allocator, library: Any = None) -> str:
    """Set the allocator's state for the rest of this process; what was set, in words."""
    libc = library or _libc()
    if wanted == "default":
        return "the system's default"
    if not hasattr(libc, "gnu_get_libc_version"):
        return "the system's default: this is not glibc"
    mallopt: Callable[[int, int], int] = libc.mallopt
    threshold = next(
        (size for size in (_MAPPED, _MOST_MAPPED) if mallopt(_M_MMAP_THRESHOLD, size)), 0
    )
    kept = mallopt(_M_TRIM_THRESHOLD, _KEPT)
    blocks = f"blocks of up to {threshold // 2**20} MiB from a heap"
    if threshold and kept:
        return f"glibc, {blocks} that is kept"
    if threshold:
        return f"glibc, {blocks}; mallopt refused to keep the heap"
    if kept:
        return "glibc, a heap that is kept; mallopt refused to take large blocks from it"
    return "the system's default: mallopt refused to change it"


def release(library: Any = None) -> None:
    """Give free memory back to the system, so that no round starts with more of it than another."""
    libc = library or _libc()
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)


def _libc() -> Any:
    return ctypes.CDLL(None) if sys.platform == "linux" else None
