"""The parent's side of measuring what a device can do at best."""

from __future__ import annotations

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

# Beside the search: importing torch, making the data, the last repeats.
_START_SECONDS = 4.0
_AROUND_SECONDS = 1.0
# The process is given up after this many times what is expected, and a minute.
_PATIENCE = 4
_MOST_PROCESSES = 8
# Of the host's memory, what a buffer of the curve takes at most: one part in so many.
_MEMORY_SHARE = 16

_PROCESSOR = ("fp32", "bf16", "fp16", "int8")
_GPU = ("fp32", "tf32", "bf16", "fp16", "int8")


def wanted(choice: Choice, host: Host, processor: Processor | None) -> tuple[str, ...]:
    """The names of the ceilings to measure of this hardware, in the order they are told.

    fp8 only where the device's data sheet says that it has units for it. The clock only of a
    processor whose peak can be computed from it.
    """
    entry = hardware.registry.of(choice)
    sizes = [size for size in CURVE if size <= host.memory_bytes // _MEMORY_SHARE]
    memory = (MEMORY_READ, *map(memory_read, sizes), MEMORY_COPY)
    if entry.threads_on(host) is None:
        sheet = data_sheet(entry.device(host))
        lacks = sheet.lacks if sheet else ()
        formats = [one for one in _GPU if one not in lacks]
        formats += ["fp8"] if sheet and "fp8" in sheet.peaks else []
        return (*map(gemm, formats), *memory)
    counts = [2**power for power in range(1, _MOST_PROCESSES.bit_length())]
    together = [all_reduce(count) for count in counts if count <= host.logical_cores]
    clock = [FREQUENCY] if core_of(processor, host.isa) else []
    return (*together, *clock, *map(gemm, _PROCESSOR), *memory)


def expected_seconds(names: Sequence[str], seconds: float) -> float:
    """How long measuring these is expected to take, at so many seconds each."""
    if not names:
        return 0.0
    # The curve's sizes share one buffer, which takes no time again.
    around = sum(_AROUND_SECONDS for name in names if buffer_bytes(name) is None)
    return _START_SECONDS + around + sum(search_seconds(name, seconds) for name in names)


def derived(
    choice: Choice, host: Host, processor: Processor | None, measured: Iterable[Ceiling]
) -> tuple[Ceiling, ...]:
    """Theoretical peaks, where the core and its clock are known, and the device's data sheet."""
    entry = hardware.registry.of(choice)
    threads = entry.threads_on(host)
    cores = None if threads is None else min(threads, host.physical_cores)
    sheet = data_sheet(entry.device(host), cores)
    return (*_theoretical(host, cores, processor, measured), *(sheet.ceilings() if sheet else ()))


def no_theory(choice: Choice, host: Host, processor: Processor | None) -> str | None:
    """Why there is no theoretical peak of this hardware; None where there is one."""
    entry = hardware.registry.of(choice)
    if entry.threads_on(host) is None:
        return "of a GPU there is only its data sheet"
    return why_no_core(processor, host.isa)


def measure(choice: Choice, names: Sequence[str], seconds: float) -> Generator[Answer, None, None]:
    """Measure these ceilings in a process of their own, telling each as it comes.

    CeilingError where the process ends before its time, or takes far too long. It never
    outlives the iteration.
    """
    limit = 60 + _PATIENCE * expected_seconds(names, seconds)
    order = Order(choice, tuple(names), seconds).encode()
    try:
        with closing(lines("harness.ceilings.worker", order, limit)) as told:
            yield from map(decode, told)
    except ProcessLost as error:
        raise CeilingError(f"the process that measures {error}") from error


def _theoretical(
    host: Host, cores: int | None, processor: Processor | None, measured: Iterable[Ceiling]
) -> tuple[Ceiling, ...]:
    core = core_of(processor, host.isa)
    clock = values(measured, CeilingKind.MEASURED).get(FREQUENCY)
    if core is None or cores is None or clock is None:
        return ()
    return theoretical(core, Load(cores, clock, "seen under load", host.isa))
