"""Measures what a device can do at best, in a process of its own.

    python -m harness.ceilings.worker PARENT DESCRIPTOR ORDER

PARENT is the parent's process id, ORDER an Order as JSON. Each ceiling is told through the
descriptor as soon as it is measured, one line of JSON each (ceilings/messages.py). The
process ends with its parent.
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
from harness.ceilings.frequency import clock_under_load
from harness.ceilings.gemm import trials as gemm_trials
from harness.ceilings.memory import copy_trials, curve_trials, read_trials, working_set
from harness.ceilings.messages import Answer, Found, Missing, Order
from harness.ceilings.search import Findings, Trial, Watch, search
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

# Measured so often where other work took much of the machine, as long as all tries together
# have not taken so many times what a search may.
_TRIES = 3
_PATIENCE = 4
# A repeat that had this share of its threads' time had them to itself.
_WHOLE = 0.95


def main(parent: int, descriptor: int, order: Order) -> None:
    """Do what is ordered; the parent reads what comes of it."""
    die_with_parent(parent)
    # Torch's int8 kernels for processors are deprecated, its prototypes unstable: it says so often.
    warnings.simplefilter("ignore")
    gc.disable()  # a collection inside the clock would time the harness's own garbage
    with os.fdopen(descriptor, "wb", buffering=0) as pipe:
        for answer in answers(order):
            pipe.write(answer.encode())


def answers(order: Order) -> Iterator[Answer]:
    """One for each name, the all-reduces first: they fork, and nothing may be computed before."""
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
    """What is measured in one go: all sizes of the curve, and every other ceiling by itself.

    A single size takes too little time for the system to say what other processes did meanwhile.
    """
    for of_curve, group in groupby(names, key=lambda name: buffer_bytes(name) is not None):
        together = list(group)
        yield from [together] if of_curve else ([name] for name in together)


def _answers(names: Sequence[str], measure: _Measure, seconds: float) -> Iterator[Answer]:
    """What came of measuring; what cannot be measured leaves the other groups alone."""
    try:
        best = _undisturbed(names, measure, _PATIENCE * seconds)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told as the reason
        told = str(error) if isinstance(error, HarnessError) else f"{type(error).__name__}: {error}"
        reason = (told or type(error).__name__).splitlines()[0]
        yield from (Missing(name, reason) for name in names)
        return
    for name, one in best.items():
        ceiling = Ceiling(
            name, one.value, unit_of(name), CeilingKind.MEASURED, one.how, others=one.others
        )
        yield Found(ceiling, one.tried)


@dataclass(frozen=True)
class _Measured:
    value: float
    how: str
    tried: tuple[tuple[str, float], ...] = ()
    whole: bool = False  # whether it certainly had all its processors to itself
    others: float = 0.0


_Measure: TypeAlias = Callable[[str], _Measured]


def _undisturbed(
    names: Sequence[str], measure: _Measure, seconds: float
) -> Mapping[str, _Measured]:
    """The best of up to _TRIES; one that other work cannot have lowered is good at once."""
    tries: list[Mapping[str, _Measured]] = []
    host = HostWatch()
    begin = time.monotonic()
    while not tries or (
        len(tries) < _TRIES
        and time.monotonic() - begin < seconds
        and any(all(one[name].others > MOST_INTERFERENCE for one in tries) for name in names)
    ):
        first = host.read()
        found = {name: measure(name) for name in names}
        others = _others(first, host.read())
        tries.append(
            {name: one if one.whole else replace(one, others=others) for name, one in found.items()}
        )
    return {name: _best_try([one[name] for one in tries]) for name in names}


def _best_try(told: Sequence[_Measured]) -> _Measured:
    best = max(told, key=lambda one: one.value)
    return replace(best, others=min(one.others for one in told))


def _others(first: Reading | None, last: Reading | None) -> float:
    """The share of the machine that went elsewhere; 0 where the system does not tell."""
    if first is None or last is None:
        return 0.0
    shares = between(first, last)
    return shares.get("host_others", 0.0) + shares.get("host_steal", 0.0)


def _measured(entry: Hardware, device: torch.device, order: Order, name: str) -> _Measured:
    if name == FREQUENCY:
        return _clock()
    seconds = search_seconds(name, order.seconds)
    found = search(_trials(name, order.names, entry, device), seconds, Watch(entry.timer()))
    # Work on the host's processors leaves a GPU alone: it needs none of them to be whole.
    processors = torch.get_num_threads() if entry.kind == "cpu" else 0
    return _best(found, entry.resources(torch.get_num_threads()), processors)


def _trials(
    name: str, names: Sequence[str], entry: Hardware, device: torch.device
) -> Iterator[Trial]:
    """Candidates for this ceiling; `names` are all that are measured."""
    if name in _MEMORY:
        return _MEMORY[name](working_set(entry), device)
    if size := buffer_bytes(name):
        largest = max(filter(None, map(buffer_bytes, names)))
        return curve_trials(size, largest, device)
    return gemm_trials(name.removeprefix("gemm_"), device)


_MEMORY: Mapping[str, Callable[..., Iterator[Trial]]] = {
    MEMORY_READ: read_trials,
    MEMORY_COPY: copy_trials,
}


def _clock() -> _Measured:
    a = torch.randn(1024, 1024)
    hertz = clock_under_load(lambda: torch.matmul(a, a))
    how = "dependent additions counted in bursts between fp32 products, upper quartile"
    return _Measured(hertz, how, whole=True)  # interrupted bursts are below the quartile


def _all_reduce(entry: Hardware, seconds: float, name: str) -> _Measured:
    processes = int(name.rpartition("_")[2])
    where = f"{processes} processes, loopback; bus bandwidth: 2 (n - 1) / n of the bytes a second"
    return _best(measure_all_reduce(entry, processes, seconds), where, math.inf)


def _best(findings: Findings, where: str, processors: float) -> _Measured:
    """The best kernel's figure, and how near the others came.

    It was whole if it had that many processors all the time.
    """
    best = findings.best
    if best is None:
        told = "; ".join(f"{kernel}: {reason}" for kernel, reason in findings.failed)
        raise Unsupported(told or "nothing was tried")
    others = [f"{one.kernel} {one.rate / best.rate:.0%}" for one in findings.by_kernel()[1:]]
    others += [f"{kernel} not usable" for kernel, _ in findings.failed]
    how = f"{best.kernel}, {best.size}, {where}, best of {best.repeats} repeats"
    tried = tuple((f"{one.kernel}, {one.size}", one.rate) for one in findings.reached)
    told = f"{how}; {', '.join(others)}" if others else how
    return _Measured(best.rate, told, tried, whole=best.processors >= _WHOLE * processors)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Order.decode(sys.argv[3]))
