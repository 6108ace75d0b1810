"""Writes the values that select single cells of a spec, in the words of its file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from harness.domain.axis import AXES
from harness.domain.cell import WORKLOAD, Cell
from harness.spec.axes import read_values
from harness.spec.catalog import Catalog, registered
from harness.spec.choices import Context
from harness.spec.faults import Source
from harness.spec.load import Parsed, expanded, parse, text_of
from harness.spec.matrix import Value, keys, value_of

_MOST = 10_000  # alternatives of one value that are tried


def selectors(file: str, catalog: Catalog | None = None) -> Mapping[str, Mapping[str, Any]]:
    """For each cell of a spec file, by id, the values that select only this cell in `expect`.

    They are of the axes and workload keys that vary among the spec's cells; none if the spec has
    one cell. A cell is left out if the file's values cannot be taken apart: one item that makes
    more than 10,000 values.
    """
    parsed = parse(file, text_of(file), (), catalog or registered())
    written, cells, _ = expanded(parsed)
    varying = [key for key in keys() if len({*_values(key, written)}) > 1]
    names = {key: _names(key, _values(key, written), parsed) for key in varying}
    found = {}
    for one, cell in zip(written, cells, strict=True):
        values = {key: value for key in varying if (value := value_of(one, key)) is not None}
        if all(value in names[key] for key, value in values.items()):
            found[cell.id] = {key: _listed(names[key][value]) for key, value in values.items()}
    return found


def _listed(name: Any) -> Any:
    """A composition as a list of one: a bare list would mean any of its parts."""
    return [name] if isinstance(name, list) else name


def _values(key: str, cells: Iterable[Cell]) -> Iterator[Value]:
    found = (value_of(cell, key) for cell in cells)
    return (value for value in found if value is not None)


def _names(key: str, values: Iterable[Value], parsed: Parsed) -> Mapping[Value, Any]:
    """The values of a key as the file writes them; a default as the table of axes does."""
    wanted = set(values)
    if key in WORKLOAD:
        return {value: value for value in wanted}
    found: dict[Value, Any] = {}
    for item in _items(key, parsed.given):
        for name in _alternatives(item):
            value = _read(key, name, parsed.context)
            if value in wanted:
                found.setdefault(value, name)
    return found


def _items(key: str, given: Mapping[str, Any]) -> Iterator[Any]:
    """The items that the file lists for a key, in any block that makes cells; then the default."""
    blocks = [given.get("matrix"), *(given.get("zip") or ()), *(given.get("include") or ())]
    for block in blocks:
        found = (block or {}).get(key, ())
        yield from found if isinstance(found, list | tuple) else (found,)
    if AXES[key].default is not None:
        yield AXES[key].default


def _alternatives(item: Any) -> Iterator[Any]:
    """The item, then the items that come from taking one element of each list inside it."""
    yield item
    for number, one in enumerate(_single(item)):
        if number >= _MOST:
            return
        yield one


def _single(item: Any) -> Iterator[Any]:
    if isinstance(item, dict):
        for chosen in product(*map(_elements, item.values())):
            yield dict(zip(item, chosen, strict=True))
    elif isinstance(item, list):
        yield from (list(chosen) for chosen in product(*map(_single, item)))
    else:
        yield item


def _elements(option: Any) -> list[Any]:
    """An option's possible values. A list may be one value, or several of which each is tried."""
    if not isinstance(option, list):
        return [*_single(option)]
    return [option, *(one for element in option for one in _single(element))]


def _read(key: str, name: Any, context: Context) -> Value | None:
    """The only value that a name stands for; None if it is wrong, or stands for several."""
    tried = replace(context, source=Source(context.source.file, {}, {}))
    read: Sequence[Any] = read_values({key: [name]}, (), tried)[key]
    return read[0][0] if len(read) == 1 and not tried.source.problems else None
