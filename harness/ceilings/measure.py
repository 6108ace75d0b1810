"""The parent's side of measuring a device's ceilings."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing

from harness import hardware
from harness.ceilings.messages import Answer, Order, decode
from harness.domain.ceiling import (
    CURVE,
    FREQUENCY,
    MEMORY_COPY,
    MEMORY_READ,
    Ceiling,
    CeilingKind,
    all_reduce,
    buffer_bytes,
    gemm,
    memory_read,
    search_seconds,
    values,
)
from harness.domain.cell import Choice
from harness.domain.run import Host
from harness.errors import CeilingError, ProcessLost
from harness.hardware.datasheets import data_sheet
from harness.hardware.processors import Load, Processor, core_of, theoretical, why_no_core
from harness.streamed import lines

_START_SECONDS = 4.0  # to import torch
_AROUND_SECONDS = 1.0  # per ceiling, beside the search: making the data, the last repeats
# The process may take a minute plus this many times the expected time.
_PATIENCE = 4
_MOST_PROCESSES = 8
# A buffer of the bandwidth curve takes at most one part in this many of the host's memory.
_MEMORY_SHARE = 16

_PROCESSOR = ("fp32", "bf16", "fp16", "int8")
_GPU = ("fp32", "tf32", "bf16", "fp16", "int8")


def wanted(choice: Choice, host: Host, processor: Processor | None) -> tuple[str, ...]:
    """The names of the ceilings to measure on this hardware, in the order of measuring.

    fp8 is among them only if the device's data sheet lists units for it, and the processor's
    frequency only if a theoretical peak can be computed from it.
    """
    entry = hardware.registry.of(choice)
    sizes = [size for size in CURVE if size <= host.memory_bytes // _MEMORY_SHARE]
    memory = (MEMORY_READ, *map(memory_read, sizes), MEMORY_COPY)
    if entry.threads_on(host) is None:
        sheet = data_sheet(entry.device(host))
        lacks = sheet.lacks if sheet else ()
        formats = [number_format for number_format in _GPU if number_format not in lacks]
        formats += ["fp8"] if sheet and "fp8" in sheet.peaks else []
        return (*map(gemm, formats), *memory)
    counts = [2**power for power in range(1, _MOST_PROCESSES.bit_length())]
    together = [all_reduce(count) for count in counts if count <= host.logical_cores]
    frequency = [FREQUENCY] if core_of(processor, host.isa) else []
    return (*together, *frequency, *map(gemm, _PROCESSOR), *memory)


def expected_seconds(names: Sequence[str], seconds: float) -> float:
    """The time that measuring these ceilings is expected to take, at `seconds` for each search."""
    if not names:
        return 0.0
    # The sizes of the curve share one buffer, which is made only once.
    around = sum(_AROUND_SECONDS for name in names if buffer_bytes(name) is None)
    return _START_SECONDS + around + sum(search_seconds(name, seconds) for name in names)


def derived(
    choice: Choice, host: Host, processor: Processor | None, measured: Iterable[Ceiling]
) -> tuple[Ceiling, ...]:
    """The device's data sheet, and theoretical peaks if the core and its frequency are known."""
    entry = hardware.registry.of(choice)
    threads = entry.threads_on(host)
    cores = None if threads is None else min(threads, host.physical_cores)
    sheet = data_sheet(entry.device(host), cores)
    return (*_theoretical(host, cores, processor, measured), *(sheet.ceilings() if sheet else ()))


def no_theory(choice: Choice, host: Host, processor: Processor | None) -> str | None:
    """Why this hardware has no theoretical peak. None if it has one."""
    entry = hardware.registry.of(choice)
    if entry.threads_on(host) is None:
        return "a GPU has only the peaks of its data sheet"
    return why_no_core(processor, host.isa)


def measure(
    choice: Choice, names: Sequence[str], seconds: float, limit: float = math.inf
) -> Generator[Answer, None, None]:
    """Measures these ceilings in a separate process, and yields each as it is measured.

    Raises CeilingError if the process ends early, or takes far too long or more than `limit`
    seconds. The process never outlives the iteration.
    """
    limit = min(limit, 60 + _PATIENCE * expected_seconds(names, seconds))
    order = Order(choice, tuple(names), seconds).encode()
    try:
        with closing(lines("harness.ceilings.worker", order, limit)) as answers:
            yield from map(decode, answers)
    except ProcessLost as error:
        raise CeilingError(f"the process that measures {error}") from error


def _theoretical(
    host: Host, cores: int | None, processor: Processor | None, measured: Iterable[Ceiling]
) -> tuple[Ceiling, ...]:
    core = core_of(processor, host.isa)
    frequency = values(measured, CeilingKind.MEASURED).get(FREQUENCY)
    if core is None or cores is None or frequency is None:
        return ()
    return theoretical(core, Load(cores, frequency, "seen under load", host.isa))
