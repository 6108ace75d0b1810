"""The matrix: axes multiplied into cells, some left out, some added. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TypeAlias

from harness.domain.cell import AXES, WORKLOAD, Cell, Choice

Value: TypeAlias = Choice | tuple[Choice, ...] | int  # of an axis, or of a workload key
Values: TypeAlias = Mapping[str, Sequence[Value]]  # by axis and workload key
Pattern: TypeAlias = Mapping[str, Collection[Value]]  # any of the values, on each key named
Uses: TypeAlias = Callable[[Choice], Collection[str]]  # the workload keys a scenario uses

KEYS = (*AXES, *WORKLOAD)


@dataclass(frozen=True)
class Expansion:
    """The cells of a matrix, distinct and in order; and which excludes left nothing out."""

    cells: tuple[Cell, ...]
    idle: tuple[int, ...]


def expand(
    matrix: Values, exclude: Sequence[Pattern], include: Sequence[Values], uses: Uses
) -> Expansion:
    """Every combination, less those that match an exclude, and then those of the includes.

    An include's missing keys take the first value that the matrix has.
    """
    whole = list(combinations(matrix, uses))
    patterns = [{key: frozenset(values) for key, values in one.items()} for one in exclude]
    hits = [{cell.id for cell in whole if matches(cell, pattern)} for pattern in patterns]
    gone = frozenset().union(*hits)
    first = {key: values[:1] for key, values in matrix.items()}
    added = (cell for one in include for cell in combinations({**first, **one}, uses))
    kept = [cell for cell in whole if cell.id not in gone]
    return Expansion(
        cells=distinct([*kept, *added]),
        idle=tuple(index for index, hit in enumerate(hits) if not hit),
    )


def size(matrix: Values) -> int:
    """The most cells that the matrix can make."""
    return math.prod(len(values) for values in matrix.values())


def combinations(matrix: Values, uses: Uses) -> Iterator[Cell]:
    """Every value of each axis with every value of the others.

    A scenario takes only the workload keys it uses, so that its cells do not multiply over
    those it does not.
    """
    for point in product(*(matrix[axis] for axis in AXES)):
        axes = dict(zip(AXES, point, strict=True))
        used = sorted(uses(axes["scenario"]))  # type: ignore[arg-type]  # that axis has no other
        for amounts in product(*(matrix[key] for key in used)):
            yield Cell(**axes, workload=tuple(zip(used, amounts, strict=True)))  # type: ignore[arg-type]  # as parsed, each axis by its own reader


def distinct(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """The cells in order, each once."""
    kept: dict[str, Cell] = {}
    for cell in cells:
        kept.setdefault(cell.id, cell)
    return tuple(kept.values())


def matches(cell: Cell, pattern: Pattern) -> bool:
    """Whether the cell has one of the pattern's values on every key that it names."""
    return all(value_of(cell, key) in values for key, values in pattern.items())


def value_of(cell: Cell, key: str) -> Value | None:
    """The cell's value on an axis or workload key; None for a key its scenario does not use."""
    if key in WORKLOAD:
        return cell.load.get(key)
    value: Value = getattr(cell, key)
    return value


def baselines(cells: Iterable[Cell], baseline: Mapping[str, Value]) -> dict[str, str]:
    """For each cell the id of the same cell with the baseline's values, where that exists."""
    if not baseline:
        return {}
    ids = {cell: cell.id for cell in cells}
    pairs = ((cell, ids.get(_with(cell, baseline))) for cell in ids)
    return {cell.id: found for cell, found in pairs if found is not None}


def _with(cell: Cell, values: Mapping[str, Value]) -> Cell:
    axes = {key: value for key, value in values.items() if key in AXES}
    workload = tuple((key, values.get(key, amount)) for key, amount in cell.workload)
    return replace(cell, **axes, workload=workload)  # type: ignore[arg-type]  # as in combinations
