"""Figures as people say them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from harness.domain.cell import AXES, Cell

if TYPE_CHECKING:
    from harness import ceilings
    from harness.domain.metric import Estimate

_MINUTE, _HOUR = 60, 3600


def duration(seconds: float) -> str:
    """`40 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 1:
        return "under 1 s"
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02d} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"


def short_names(cells: Collection[Cell]) -> Mapping[str, str]:
    """By id, what tells each cell from the others: `decode int8-dynamic fp32 batch=4`.

    A composition that is none is left out where something else tells; a lone cell is named whole.
    """
    varying = [axis for axis in AXES if len({cell.labels[axis] for cell in cells}) > 1]
    amounts = {pair for cell in cells for pair in cell.workload}
    told = {key for key, number in Counter(key for key, _ in amounts).items() if number > 1}
    if not varying and not told:
        return {cell.id: str(cell) for cell in cells}
    return {cell.id: _short(cell, varying, told) for cell in cells}


def shared_text(cells: Collection[Cell]) -> str:
    """What all the cells share: `model nano, hardware local, batch 1`; empty of less than two."""
    if len(cells) < 2:
        return ""
    axes = {axis: {cell.labels[axis] for cell in cells} for axis in AXES}
    amounts = {pair for cell in cells for pair in cell.workload}
    keys = Counter(key for key, _ in amounts)
    same = [f"{axis} {labels.pop()}" for axis, labels in axes.items() if len(labels) == 1]
    return ", ".join(same + [f"{key} {n}" for key, n in sorted(amounts) if keys[key] == 1])


def _short(cell: Cell, axes: Sequence[str], keys: Collection[str]) -> str:
    labels = {axis: cell.labels[axis] for axis in axes}
    loads = [f"{key}={value}" for key, value in cell.workload if key in keys]
    told = [label for label in labels.values() if label != "none"] + loads
    return " ".join(told or [f"{axis} {label}" for axis, label in labels.items()])


def estimate_text(name: str, estimate: Estimate) -> str:
    """A metric with its unit and interval, e.g. `12.3 ms [12.1, 12.5]`."""
    from harness.site.format import figure, unit_of

    text = figure(estimate, unit_of(name, estimate.unit))
    return " ".join(part for part in (text.value, text.unit, text.interval) if part)


def ceiling_line(event: ceilings.Event, *, verbose: bool = False) -> str:
    """What is told of measuring a host's own limits, e.g. `gemm_fp32: 324 GFLOP/s`.

    If `verbose`, with how, and a line for each kernel that was tried.
    """
    from harness.ceilings import Begun, Failed
    from harness.execute.ceiling_messages import Found
    from harness.site.format import quantity

    if isinstance(event, Begun):
        time = duration(event.expected_seconds)
        return f"measuring what {event.hardware} can do at best, once: about {time}"
    if isinstance(event, Failed):
        return f"what {event.hardware} can do at best is not all known: {event.reason}"
    if isinstance(event, Found):
        one = event.ceiling
        figure = f"  {one.name}: {quantity(one.value, one.unit)}"
        if not verbose:
            return figure + one.reservation
        tried = [f"    {kernel}: {quantity(rate, one.unit)}" for kernel, rate in event.tried]
        return "\n".join([f"{figure} ({one.told})", *tried])
    return f"  {event.name}: not measured: {event.reason}"
