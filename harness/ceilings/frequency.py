"""The clock a processor runs at under load, counted rather than asked for.

Virtual machines hide it, and what Linux tells may be the nominal one. An addition whose operands
are its own last result takes one cycle on every x86-64 core, so a chain of them counts cycles.
It is machine code of a few bytes, as no library has such a loop.
"""

from __future__ import annotations

import ctypes
import mmap
import platform
import struct
import time
from collections.abc import Callable, Sequence

from harness.errors import Unsupported

_CHAIN = 64  # additions an iteration: the counter's own two instructions hide behind them
_ITERATIONS = 8000  # some 0.2 ms: too short for the clock to change, too long for call overhead
_BURSTS = 40


def clock_under_load(work: Callable[[], object]) -> float:
    """Hz, as seen in short bursts between pieces of work that keep the device busy.

    Unsupported where there is no such code for this processor, or none may be run.
    """
    count = _counter()
    bursts = []
    for _ in range(_BURSTS):
        work()
        start = time.perf_counter()
        count(_ITERATIONS)
        bursts.append(_ITERATIONS * _CHAIN / (time.perf_counter() - start))
    return steady(bursts)


def steady(bursts: Sequence[float]) -> float:
    """The upper quartile: interruptions only lower a burst, an idle moment before may raise one."""
    return sorted(bursts)[len(bursts) * 3 // 4]


def _counter() -> Callable[[int], object]:
    """A function that takes _CHAIN cycles for each unit of its argument."""
    if platform.machine() not in {"x86_64", "AMD64"} or platform.system() != "Linux":
        raise Unsupported(f"cycles are not counted on {platform.system()} {platform.machine()}")
    try:
        page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except OSError as error:
        raise Unsupported(f"this system lets no code be made: {error.strerror}") from error
    page.write(_code())
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    function = ctypes.CFUNCTYPE(None, ctypes.c_uint64)(address)

    def count(iterations: int, _keep: mmap.mmap = page) -> object:
        return function(iterations)

    return count


def _code() -> bytes:
    """`do { rax += rax, _CHAIN times } while (--rdi)`, by the System V calling convention."""
    add_rax_rax, decrement_rdi = b"\x48\x01\xc0", b"\x48\x83\xef\x01"
    body = add_rax_rax * _CHAIN + decrement_rdi
    jump = b"\x0f\x85"  # back to the body's start while rdi is not zero
    back = struct.pack("<i", -(len(body) + len(jump) + 4))
    return body + jump + back + b"\xc3"
