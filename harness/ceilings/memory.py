"""Reads and copies of buffers, from cache size to far beyond: candidates for memory bandwidth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from harness.ceilings.search import KernelTrial
from harness.domain.ceiling import memory_read
from harness.errors import Unsupported
from harness.hardware import Hardware

_LEAST = 2**30  # bytes
_CACHES = 4  # a working set is this many times the size of the last-level caches
_SHARE = 8  # a buffer takes at most one part in this many of the free memory
_COLUMNS = 4096
# Random numbers that are made. A buffer repeats them, which halves the time to fill it.
_BLOCK = 2**24


@dataclass(frozen=True)
class WorkingSet:
    """The size of one buffer, and how to describe it."""

    bytes: int
    label: str  # "1.02 GiB, 4.1 times the last-level cache"


def working_set(hardware: Hardware) -> WorkingSet:
    """The working set for the device that this process is prepared for."""
    return sized(_caches(hardware), hardware.free_bytes())


def sized(cache: int | None, free: int) -> WorkingSet:
    """At least a GiB and four times the last-level cache, but at most an eighth of free memory."""
    wanted = max(_LEAST, _CACHES * (cache or 0))
    size = min(wanted, free // _SHARE)
    size -= size % (16 * _COLUMNS)  # halves of whole rows of fp32, and whole int64
    label = f"{size / 2**30:.2f} GiB"
    if cache is None:
        return WorkingSet(size, f"{label}; this system does not report the cache's size")
    return WorkingSet(size, f"{label}, {size / cache:.1f} times the last-level cache")


def _caches(hardware: Hardware) -> int | None:
    """The bytes of all last-level caches together. None if the system does not report them."""
    try:
        return hardware.cache_bytes()
    except Unsupported:
        return None


def curve_trials(size: int, largest: int, device: torch.device) -> Iterator[KernelTrial]:
    """Ways to read a buffer of one size of the curve, which is part of the largest buffer."""
    part = WorkingSet(size, memory_read(size).partition("@")[2])
    return _read_trials(_random(largest, device)[: size // 4], part, device)


def read_trials(size: WorkingSet, device: torch.device) -> Iterator[KernelTrial]:
    """Ways to read every byte once of a buffer far larger than the last-level cache."""
    return _read_trials(_random(size.bytes, device), size, device)


def _read_trials(flat: Tensor, size: WorkingSet, device: torch.device) -> Iterator[KernelTrial]:
    half = flat.numel() // 2
    first, second = flat[:half], flat[half:]
    rows, vector = flat.view(-1, _COLUMNS), _ones(_COLUMNS, device)
    ways: dict[str, Callable[[], object]] = {
        "torch.dot of its halves": lambda: torch.dot(first, second),
        "torch.sum of fp32": flat.sum,
        "torch.sum of int64": flat.view(torch.int64).sum,
        "torch.mv": lambda: torch.mv(rows, vector),
    }
    return _trials(ways, size, size.bytes)


def copy_trials(size: WorkingSet, device: torch.device) -> Iterator[KernelTrial]:
    """Ways to copy every byte once. Bytes read and bytes written both count."""
    source = _random(size.bytes, device)
    target = torch.zeros_like(source)
    ways: dict[str, Callable[[], object]] = {"torch copy_": lambda: target.copy_(source)}
    if device.type == "cpu":
        ways["memcpy, one call per thread"] = _threaded_copy(target, source)
    return _trials(ways, size, 2 * size.bytes)


def _threaded_copy(target: Tensor, source: Tensor) -> Callable[[], object]:
    """NumPy copies by memcpy, which bypasses the cache when it writes, and releases the GIL."""
    threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(threads)
    parts = [np.array_split(tensor.numpy(), threads) for tensor in (target, source)]
    return lambda: list(pool.map(np.copyto, *parts))


def _trials(
    ways: dict[str, Callable[[], object]], size: WorkingSet, work: int
) -> Iterator[KernelTrial]:
    for kernel, call in ways.items():
        yield KernelTrial(kernel, size.label, float(work), lambda call=call: call)  # type: ignore[misc]


@lru_cache(maxsize=1)
def _random(size: int, device: torch.device) -> Tensor:
    """`size` bytes of fp32. Read only: the next call for the same size gets the same buffer."""
    count = size // 4
    block = torch.rand(min(_BLOCK, count), device=device)
    return block.repeat(-(-count // _BLOCK))[:count]


def _ones(length: int, device: torch.device) -> Tensor:
    return torch.ones(length, device=device)
