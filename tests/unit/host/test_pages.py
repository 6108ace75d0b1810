"""What of a file is in memory, asked of the kernel."""

from __future__ import annotations

import ctypes
import mmap
import os
from pathlib import Path

import pytest

from harness.host.pages import CAN_DROP, drop_pages


def in_memory(path: Path) -> float:
    """The share of the file's pages that are, by mincore(2)."""
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        pages = -(-len(mapped) // mmap.PAGESIZE)
        told = (ctypes.c_ubyte * pages)()
        address = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
        libc = ctypes.CDLL(None, use_errno=True)
        failed = libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(len(mapped)), told)
        assert failed == 0, os.strerror(ctypes.get_errno())
        return sum(page & 1 for page in told) / pages


@pytest.mark.skipif(not CAN_DROP, reason="this system lets no process ask")
def test_a_dropped_file_comes_from_the_disk(tmp_path: Path) -> None:
    file = tmp_path / "model"
    file.write_bytes(os.urandom(1 << 22))
    os.sync()
    file.read_bytes()
    assert in_memory(file) == 1
    drop_pages(file)
    assert in_memory(file) < 0.1
