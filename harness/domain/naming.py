"""Short names for the cells of a list: each is named by what sets it apart from the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from harness.domain.axis import AXES
from harness.domain.cell import Cell


def short_names(cells: Collection[Cell]) -> Mapping[str, str]:
    """Names by cell id, made of the values that vary: `decode int8-dynamic fp32 batch=4`.

    `none` is left out unless nothing else remains; a lone cell gets its full name.
    """
    varying = [axis for axis in AXES if len({cell.labels[axis] for cell in cells}) > 1]
    amounts = {pair for cell in cells for pair in cell.workload}
    keys = {key for key, number in Counter(key for key, _ in amounts).items() if number > 1}
    if not varying and not keys:
        return {cell.id: str(cell) for cell in cells}
    return {cell.id: _short(cell, varying, keys) for cell in cells}


def shared_text(cells: Collection[Cell]) -> str:
    """What all cells share: `model nano, hardware local, batch 1`; empty for fewer than two."""
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
    parts = [label for label in labels.values() if label != "none"] + loads
    return " ".join(parts or [f"{axis} {label}" for axis, label in labels.items()])
