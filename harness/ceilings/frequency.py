"""A processor's frequency under load, found by counting cycles.

Virtual machines hide the frequency, and Linux may report the nominal one. An addition that depends
on the last addition's result takes one cycle on every x86-64 core, so a chain of additions counts
cycles. No library has such a loop, so this module makes it from a few bytes of machine code.
"""

from __future__ import annotations

import ctypes
import mmap
import platform
import struct
import time
from collections.abc import Callable, Sequence

from harness.errors import Unsupported

_CHAIN = 64  # additions per iteration: they hide the loop's own two instructions
# A burst takes some 0.2 ms: too short for the frequency to change, long enough to make the
# overhead of the call negligible.
_ITERATIONS = 8000
_BURSTS = 40


def frequency_under_load(work: Callable[[], object]) -> float:
    """The frequency in Hz, measured in short bursts between calls of `work`, which keeps it up.

    Raises Unsupported if the counter has no code for this processor, or the system lets none run.
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
    """The upper quartile: interruptions only lower a burst; an idle moment before may raise it."""
    return sorted(bursts)[len(bursts) * 3 // 4]


def _counter() -> Callable[[int], object]:
    """A function that takes its argument times _CHAIN cycles."""
    if platform.machine() not in {"x86_64", "AMD64"} or platform.system() != "Linux":
        raise Unsupported(f"cycles are not counted on {platform.system()} {platform.machine()}")
    try:
        page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except OSError as error:
        raise Unsupported(f"no executable memory on this system: {error.strerror}") from error
    page.write(_code())
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    function = ctypes.CFUNCTYPE(None, ctypes.c_uint64)(address)

    def count(iterations: int, _keep: mmap.mmap = page) -> object:
        return function(iterations)

    return count


def _code() -> bytes:
    """`do { rax += rax, _CHAIN times } while (--rdi)`, in the System V calling convention."""
    add_rax_rax, decrement_rdi = b"\x48\x01\xc0", b"\x48\x83\xef\x01"
    body = add_rax_rax * _CHAIN + decrement_rdi
    jump = b"\x0f\x85"  # back to the body's start while rdi is not zero
    back = struct.pack("<i", -(len(body) + len(jump) + 4))
    return body + jump + back + b"\xc3"
