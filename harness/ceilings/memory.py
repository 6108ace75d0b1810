"""Reading and copying memory, in a cache and far beyond the last: candidates for its bandwidth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from harness.ceilings.search import Trial
from harness.domain.ceiling import memory_read
from harness.errors import Unsupported
from harness.hardware import Hardware

_LEAST = 2**30
_CACHES = 4  # the working set, in last-level caches
_SHARE = 8  # of the memory that is free, one buffer takes at most this part
_COLUMNS = 4096
_BLOCK = 2**24  # random numbers that are made; a buffer repeats them, which takes half the time


@dataclass(frozen=True)
class WorkingSet:
    """How many bytes one buffer has, and why."""

    bytes: int
    told: str  # "1.02 GiB, 4 times the last cache"


def working_set(hardware: Hardware) -> WorkingSet:
    """For the device that this process is prepared for."""
    return sized(_caches(hardware), hardware.free_bytes())


def sized(cache: int | None, free: int) -> WorkingSet:
    """At least a GiB and four last caches, as far as the free memory allows it twice over."""
    wanted = max(_LEAST, _CACHES * (cache or 0))
    size = min(wanted, free // _SHARE)
    size -= size % (16 * _COLUMNS)  # halves of whole rows of fp32, and whole int64
    told = f"{size / 2**30:.2f} GiB"
    if cache is None:
        return WorkingSet(size, f"{told}; the cache's size is not told by this system")
    return WorkingSet(size, f"{told}, {size / cache:.1f} times the last cache")


def _caches(hardware: Hardware) -> int | None:
    """Bytes of all last-level caches together; None if the system does not report them."""
    try:
        return hardware.cache_bytes()
    except Unsupported:
        return None


def curve_trials(size: int, largest: int, device: torch.device) -> Iterator[Trial]:
    """Ways to read a buffer of one size of the curve: a part of a buffer of the largest size."""
    told = WorkingSet(size, memory_read(size).partition("@")[2])
    return _read_trials(_random(largest, device)[: size // 4], told, device)


def read_trials(size: WorkingSet, device: torch.device) -> Iterator[Trial]:
    """Ways to read every byte once, far beyond the last cache."""
    return _read_trials(_random(size.bytes, device), size, device)


def _read_trials(flat: Tensor, size: WorkingSet, device: torch.device) -> Iterator[Trial]:
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


def copy_trials(size: WorkingSet, device: torch.device) -> Iterator[Trial]:
    """Ways to copy every byte once; read and written bytes both count."""
    source = _random(size.bytes, device)
    target = torch.zeros_like(source)
    ways: dict[str, Callable[[], object]] = {"torch copy_": lambda: target.copy_(source)}
    if device.type == "cpu":
        ways["memcpy, one call a thread"] = _threaded_copy(target, source)
    return _trials(ways, size, 2 * size.bytes)


def _threaded_copy(target: Tensor, source: Tensor) -> Callable[[], object]:
    """NumPy copies by memcpy, which writes past the cache, and without holding the GIL."""
    threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(threads)
    parts = [np.array_split(one.numpy(), threads) for one in (target, source)]
    return lambda: list(pool.map(np.copyto, *parts))


def _trials(ways: dict[str, Callable[[], object]], size: WorkingSet, work: int) -> Iterator[Trial]:
    for kernel, call in ways.items():
        yield Trial(kernel, size.told, float(work), lambda call=call: call)  # type: ignore[misc]


@lru_cache(maxsize=1)
def _random(size: int, device: torch.device) -> Tensor:
    """So many bytes of fp32, to be read only: the last buffer made is kept for the next caller."""
    count = size // 4
    block = torch.rand(min(_BLOCK, count), device=device)
    return block.repeat(-(-count // _BLOCK))[:count]


def _ones(length: int, device: torch.device) -> Tensor:
    return torch.ones(length, device=device)
