"""What cells are called in a list of them: by what tells each from the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from harness.domain.axis import AXES
from harness.domain.cell import Cell


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
