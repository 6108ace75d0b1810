"""Expands the matrix into cells, with `zip`, `exclude` and `include`. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from typing import TypeAlias

from harness.domain.axis import AXES
from harness.domain.cell import WORKLOAD, Cell, Choice

Value: TypeAlias = Choice | tuple[Choice, ...] | int  # of an axis or a workload key
Values: TypeAlias = Mapping[str, Sequence[Value]]  # by axis and workload key
Point: TypeAlias = Mapping[str, Value]  # a value for each of some keys
Link: TypeAlias = Sequence[Point]  # the steps of keys that advance together
Pattern: TypeAlias = Mapping[str, Collection[Value]]  # matches any of the values of every key
Uses: TypeAlias = Callable[[Choice], Collection[str]]  # a scenario -> the workload keys it uses


def keys() -> tuple[str, ...]:
    """All axes and workload keys."""
    return (*AXES, *WORKLOAD)


@dataclass(frozen=True)
class Expansion:
    """The cells of a matrix, and the excludes that match none."""

    cells: tuple[Cell, ...]  # distinct and in order
    idle: tuple[int, ...]  # indexes of excludes


def expand(
    matrix: Values,
    links: Sequence[Link],
    exclude: Sequence[Pattern],
    include: Sequence[Values],
    uses: Uses,
) -> Expansion:
    """The combinations that match no exclude, then the combinations of the includes.

    Keys that an include leaves out take the matrix's first value. Links do not apply to includes.
    """
    whole = list(combinations(matrix, links, uses))
    patterns = [{key: frozenset(values) for key, values in one.items()} for one in exclude]
    hits = [{cell.id for cell in whole if matches(cell, pattern)} for pattern in patterns]
    excluded = frozenset().union(*hits)
    first = {key: values[:1] for key, values in matrix.items()}
    added = (cell for one in include for cell in combinations({**first, **one}, (), uses))
    kept = [cell for cell in whole if cell.id not in excluded]
    return Expansion(
        cells=distinct([*kept, *added]),
        idle=tuple(index for index, hit in enumerate(hits) if not hit),
    )


def size(matrix: Values, links: Sequence[Link] = ()) -> int:
    """The most cells that the matrix can make."""
    return math.prod(map(len, _dimensions(matrix, links, matrix)))


def combinations(matrix: Values, links: Sequence[Link], uses: Uses) -> Iterator[Cell]:
    """Combines every value of each axis with every value of the others, except linked values.

    A scenario takes only the workload keys that it uses, so its cells do not multiply over others.
    """
    for chosen in product(*_dimensions(matrix, links, AXES)):
        point = _merged(chosen)
        axes = {axis: point[axis] for axis in AXES}
        used = sorted(uses(axes["scenario"]))  # type: ignore[arg-type]  # a scenario is one Choice
        linked = {key: point[key] for key in used if key in point}
        free = [key for key in used if key not in point]
        for amounts in product(*_dimensions(matrix, links, free)):
            load = {**linked, **_merged(amounts)}
            workload = tuple((key, load[key]) for key in used)
            yield Cell(**axes, workload=workload)  # type: ignore[arg-type]  # each axis's reader gives its kind of value


def _dimensions(matrix: Values, links: Sequence[Link], names: Iterable[str]) -> list[Link]:
    """The factors of the product: a key's values, or the steps of a link.

    A link takes the position of its first key.
    """
    links_by_key = {key: link for link in links for key in link[0]}
    found: dict[int | str, Link] = {}
    for name in names:
        link = links_by_key.get(name)
        if link is None:
            found[name] = [{name: value} for value in matrix[name]]
        else:
            found.setdefault(id(link), link)
    return list(found.values())


def _merged(points: Iterable[Point]) -> dict[str, Value]:
    return dict(chain.from_iterable(point.items() for point in points))


def distinct(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """The cells in order, each once."""
    kept: dict[str, Cell] = {}
    for cell in cells:
        kept.setdefault(cell.id, cell)
    return tuple(kept.values())


def matches(cell: Cell, pattern: Pattern) -> bool:
    """True if the cell has one of the pattern's values for every key of the pattern."""
    return all(value_of(cell, key) in values for key, values in pattern.items())


def value_of(cell: Cell, key: str) -> Value | None:
    """The cell's value on an axis or workload key; None for a key its scenario does not use."""
    return cell.load.get(key) if key in WORKLOAD else cell[key]


def baselines(cells: Iterable[Cell], baseline: Point) -> dict[str, str]:
    """Maps each cell's id to that of the same cell with the baseline's values, if there is one."""
    if not baseline:
        return {}
    ids = {cell: cell.id for cell in cells}
    pairs = ((cell, ids.get(_with(cell, baseline))) for cell in ids)
    return {cell.id: found for cell, found in pairs if found is not None}


def _with(cell: Cell, values: Point) -> Cell:
    axes = {key: value for key, value in values.items() if key in AXES}
    workload = tuple((key, values.get(key, amount)) for key, amount in cell.workload)
    return cell.replace(workload, **axes)  # type: ignore[arg-type]  # as in combinations


def scaled(cell: Cell, ranks: int) -> Cell:
    """The cell with its batch multiplied by its number of ranks."""
    batches = {key: amount * ranks for key, amount in cell.workload if key == "batch"}
    return cell.replace(tuple({**cell.load, **batches}.items()))
