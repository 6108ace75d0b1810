"""Measures a device's ceilings, in a process of its own.

    python -m harness.ceilings.worker PARENT DESCRIPTOR ORDER

PARENT is the parent's process id, ORDER an Order as JSON. The process writes each ceiling to the
descriptor as soon as it is measured, as a line of JSON (ceilings/messages.py). It ends with its
parent.
"""

from __future__ import annotations

import gc
import math
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import TypeAlias

import torch

from harness import hardware
from harness.ceilings.collective import measure_all_reduce
from harness.ceilings.frequency import frequency_under_load
from harness.ceilings.gemm import trials as gemm_trials
from harness.ceilings.memory import copy_trials, curve_trials, read_trials, working_set
from harness.ceilings.messages import Answer, Found, Missing, Order
from harness.ceilings.search import Findings, KernelTrial, Watch, search
from harness.domain.ceiling import (
    FREQUENCY,
    MEMORY_COPY,
    MEMORY_READ,
    MOST_INTERFERENCE,
    Ceiling,
    CeilingKind,
    buffer_bytes,
    search_seconds,
    unit_of,
)
from harness.errors import HarnessError, Unsupported
from harness.hardware import Hardware
from harness.host.watch import HostWatch, Reading, between
from harness.process import die_with_parent

# If other work took much of the machine, a ceiling is measured up to _TRIES times, unless the
# tries together have taken _PATIENCE times the search time.
_TRIES = 3
_PATIENCE = 4
# A repeat had its processors to itself if it got this share of their time.
_WHOLE = 0.95


def main(parent: int, descriptor: int, order: Order) -> None:
    """Measures the ceilings of the order, and writes them to the descriptor."""
    die_with_parent(parent)
    # Torch warns often that its int8 kernels for processors are deprecated or unstable.
    warnings.simplefilter("ignore")
    gc.disable()  # otherwise a sample could include collecting the harness's own garbage
    with os.fdopen(descriptor, "wb", buffering=0) as pipe:
        for answer in answers(order):
            pipe.write(answer.encode())


def answers(order: Order) -> Iterator[Answer]:
    """An answer for each name. The all-reduces come first: they must fork before any computing."""
    entry = hardware.registry.of(order.hardware)
    collectives = [name for name in order.names if name.startswith("all_reduce_")]
    for name in collectives:
        yield from _answers([name], partial(_all_reduce, entry, order.seconds), order.seconds)
    others = [name for name in order.names if name not in collectives]
    if not others:
        return
    device = entry.prepare(1)
    measure = partial(_measured, entry, device, order)
    with torch.inference_mode():
        for names in _groups(others):
            seconds = sum(search_seconds(name, order.seconds) for name in names)
            yield from _answers(names, measure, seconds)


def _groups(names: Sequence[str]) -> Iterator[list[str]]:
    """Groups to measure in one go: all sizes of the curve together, every other ceiling alone.

    A single size takes too little time for the system to show what other processes did meanwhile.
    """
    for of_curve, group in groupby(names, key=lambda name: buffer_bytes(name) is not None):
        together = list(group)
        yield from [together] if of_curve else ([name] for name in together)


def _answers(names: Sequence[str], measure: _Measure, seconds: float) -> Iterator[Answer]:
    """Measures one group. A failure does not affect the other groups."""
    try:
        best = _best_of_tries(names, measure, _PATIENCE * seconds)
    except Exception as error:  # noqa: BLE001 - any error is reported as the reason
        own = isinstance(error, HarnessError)
        message = str(error) if own else f"{type(error).__name__}: {error}"
        reason = (message or type(error).__name__).splitlines()[0]
        yield from (Missing(name, reason) for name in names)
        return
    for name, found in best.items():
        ceiling = Ceiling(
            name, found.value, unit_of(name), CeilingKind.MEASURED, found.how, others=found.others
        )
        yield Found(ceiling, found.tried)


@dataclass(frozen=True)
class _Measured:
    value: float
    how: str
    tried: tuple[tuple[str, float], ...] = ()
    had_processors: bool = False  # True if it certainly had all its processors to itself
    others: float = 0.0  # the share of the machine that other work took


_Measure: TypeAlias = Callable[[str], _Measured]


def _best_of_tries(
    names: Sequence[str], measure: _Measure, seconds: float
) -> Mapping[str, _Measured]:
    """The best of up to _TRIES tries. Tries again only if other work may have lowered a figure."""
    tries: list[Mapping[str, _Measured]] = []
    host = HostWatch()
    begin = time.monotonic()
    while not tries or (
        len(tries) < _TRIES
        and time.monotonic() - begin < seconds
        and any(
            all(figures[name].others > MOST_INTERFERENCE for figures in tries) for name in names
        )
    ):
        first = host.read()
        measured = {name: measure(name) for name in names}
        others = _others(first, host.read())
        tries.append(
            {
                name: figure if figure.had_processors else replace(figure, others=others)
                for name, figure in measured.items()
            }
        )
    return {name: _best_figure([figures[name] for figures in tries]) for name in names}


def _best_figure(figures: Sequence[_Measured]) -> _Measured:
    best = max(figures, key=lambda figure: figure.value)
    return replace(best, others=min(figure.others for figure in figures))


def _others(first: Reading | None, last: Reading | None) -> float:
    """The share of the machine that other work took. 0 if the system does not report it."""
    if first is None or last is None:
        return 0.0
    shares = between(first, last)
    return shares.get("host_others", 0.0) + shares.get("host_steal", 0.0)


def _measured(entry: Hardware, device: torch.device, order: Order, name: str) -> _Measured:
    if name == FREQUENCY:
        return _frequency()
    seconds = search_seconds(name, order.seconds)
    findings = search(_trials(name, order.names, entry, device), seconds, Watch(entry.timer()))
    # Other work on the host's processors does not slow a GPU down: it needs none of them.
    processors = torch.get_num_threads() if entry.kind == "cpu" else 0
    return _best(findings, entry.resources(torch.get_num_threads()), processors)


def _trials(
    name: str, names: Sequence[str], entry: Hardware, device: torch.device
) -> Iterator[KernelTrial]:
    """The candidates for this ceiling. `names` are all ceilings of the order."""
    if name in _MEMORY:
        return _MEMORY[name](working_set(entry), device)
    if size := buffer_bytes(name):
        largest = max(filter(None, map(buffer_bytes, names)))
        return curve_trials(size, largest, device)
    return gemm_trials(name.removeprefix("gemm_"), device)


_MEMORY: Mapping[str, Callable[..., Iterator[KernelTrial]]] = {
    MEMORY_READ: read_trials,
    MEMORY_COPY: copy_trials,
}


def _frequency() -> _Measured:
    a = torch.randn(1024, 1024)
    hertz = frequency_under_load(lambda: torch.matmul(a, a))
    how = "dependent additions counted in bursts between fp32 products, upper quartile"
    return _Measured(hertz, how, had_processors=True)  # interrupted bursts are below the quartile


def _all_reduce(entry: Hardware, seconds: float, name: str) -> _Measured:
    processes = int(name.rpartition("_")[2])
    where = f"{processes} processes, loopback; bus bandwidth: 2 (n - 1) / n of the bytes a second"
    return _best(measure_all_reduce(entry, processes, seconds), where, math.inf)


def _best(findings: Findings, where: str, processors: float) -> _Measured:
    """The best kernel's rate, and how near the other kernels came.

    It had its processors to itself if it got `processors` of them all the time.
    """
    best = findings.best
    if best is None:
        reasons = "; ".join(f"{kernel}: {reason}" for kernel, reason in findings.failed)
        raise Unsupported(reasons or "no kernel was tried")
    others = [f"{trial.kernel} {trial.rate / best.rate:.0%}" for trial in findings.by_kernel()[1:]]
    others += [f"{kernel} not usable" for kernel, _ in findings.failed]
    how = f"{best.kernel}, {best.size}, {where}, best of {best.repeats} repeats"
    if others:
        how = f"{how}; {', '.join(others)}"
    tried = tuple((f"{trial.kernel}, {trial.size}", trial.rate) for trial in findings.reached)
    had_processors = best.processors >= _WHOLE * processors
    return _Measured(best.rate, how, tried, had_processors)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Order.decode(sys.argv[3]))
