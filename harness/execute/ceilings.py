"""The parent's side of measuring what a device can do at best."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import IO

from harness import hardware
from harness.domain.ceiling import (
    CLOCK,
    MEMORY_COPY,
    MEMORY_READ,
    Ceiling,
    CeilingKind,
    all_reduce,
    gemm,
    values,
)
from harness.domain.cell import Choice
from harness.domain.run import Host
from harness.errors import CeilingError
from harness.execute.ceiling_messages import Answer, Order, decode
from harness.execute.process import end_group, signal_name
from harness.hardware.datasheets import data_sheet
from harness.hardware.processors import Load, Processor, core_of, theoretical

# Beside the search: importing torch, making the data, the last repeats.
_START_SECONDS = 4.0
_AROUND_SECONDS = 1.0
# The process is given up after this many times what is expected, and a minute.
_PATIENCE = 4
_MOST_PROCESSES = 8
_TAIL_BYTES = 2000

_PROCESSOR = ("fp32", "bf16", "fp16", "int8")
_GPU = ("fp32", "tf32", "bf16", "fp16", "int8")


def wanted(choice: Choice, host: Host, processor: Processor | None) -> tuple[str, ...]:
    """The names of the ceilings to measure of this hardware, in the order they are told.

    fp8 only where the device's data sheet says that it has units for it. The clock only of a
    processor whose peak can be computed from it.
    """
    entry = hardware.registry[choice.name].of(choice)
    memory = (MEMORY_READ, MEMORY_COPY)
    if entry.threads_on(host) is None:
        sheet = data_sheet(entry.device(host))
        lacks = sheet.lacks if sheet else ()
        formats = [one for one in _GPU if one not in lacks]
        formats += ["fp8"] if sheet and "fp8" in sheet.peaks else []
        return (*map(gemm, formats), *memory)
    counts = [2**power for power in range(1, _MOST_PROCESSES.bit_length())]
    together = [all_reduce(count) for count in counts if count <= host.logical_cores]
    clock = [CLOCK] if core_of(processor) else []
    return (*together, *clock, *map(gemm, _PROCESSOR), *memory)


def expected_seconds(names: Sequence[str], seconds: float) -> float:
    """How long measuring these is expected to take, at so many seconds each."""
    return _START_SECONDS + len(names) * (seconds + _AROUND_SECONDS) if names else 0.0


def derived(
    choice: Choice, host: Host, processor: Processor | None, measured: Iterable[Ceiling]
) -> tuple[Ceiling, ...]:
    """Theoretical peaks, where the core and its clock are known, and the device's data sheet."""
    entry = hardware.registry[choice.name].of(choice)
    threads = entry.threads_on(host)
    cores = None if threads is None else min(threads, host.physical_cores)
    sheet = data_sheet(entry.device(host), cores)
    return (*_theoretical(host, cores, processor, measured), *(sheet.ceilings() if sheet else ()))


def no_theory(choice: Choice, host: Host, processor: Processor | None) -> str | None:
    """Why there is no theoretical peak of this hardware; None where there is one."""
    entry = hardware.registry[choice.name].of(choice)
    if entry.threads_on(host) is None:
        return "of a GPU there is only its data sheet"
    if processor is None:
        return "this system does not tell the processor's family and model"
    if core_of(processor) is None:
        return f"what {processor} does in a cycle is in no record (harness/hardware/processors.py)"
    return None


def measure(choice: Choice, names: Sequence[str], seconds: float) -> Generator[Answer, None, None]:
    """Measure these ceilings in a process of their own, telling each as it comes.

    CeilingError where the process ends before its time, or takes far too long. It never
    outlives the iteration.
    """
    limit = 60 + _PATIENCE * expected_seconds(names, seconds)
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb", buffering=0) as pipe, tempfile.TemporaryFile() as output:
        try:
            process = _start(Order(choice, tuple(names), seconds), writer, output)
        finally:
            os.close(writer)
        try:
            yield from map(decode, _lines(pipe, time.monotonic() + limit))
            code = process.wait()
        except BaseException:
            end_group(process.pid)  # Ctrl-C, most likely: nothing of it may stay behind
            process.wait()
            raise
        if code:
            raise CeilingError(_ended(code, output))


def _theoretical(
    host: Host, cores: int | None, processor: Processor | None, measured: Iterable[Ceiling]
) -> tuple[Ceiling, ...]:
    core = core_of(processor)
    clock = values(measured, CeilingKind.MEASURED).get(CLOCK)
    if core is None or cores is None or clock is None:
        return ()
    return theoretical(core, Load(cores, clock, "seen under load", host.isa))


def _start(order: Order, writer: int, output: IO[bytes]) -> subprocess.Popen[bytes]:
    worker = [sys.executable, "-m", "harness.execute.ceiling_worker"]
    return subprocess.Popen(
        [*worker, str(os.getpid()), str(writer), order.encode()],
        pass_fds=[writer],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        # A session, and so a group, of its own: a terminal's Ctrl-C reaches the parent alone.
        start_new_session=True,
        # A thread that NumPy starts at import would make its forks unsafe.
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )


def _lines(pipe: IO[bytes], deadline: float) -> Iterator[bytes]:
    """Whole lines as they come, until the other end is closed."""
    held = b""
    while True:
        ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise CeilingError("measuring took far longer than expected, and was ended")
        chunk = pipe.read(1 << 16)
        if not chunk:
            return
        *whole, held = (held + chunk).split(b"\n")
        yield from whole


def _ended(code: int, output: IO[bytes]) -> str:
    end = f"died by {signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _TAIL_BYTES))
    tail = output.read().decode(errors="replace").strip().splitlines()
    return f"the process that measures {end}" + (f": {tail[-1]}" if tail else "")
