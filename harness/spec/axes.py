"""Reads the values of axes and workload keys, each with its place in the file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import TypeAdapter, ValidationError

from harness.domain.axis import AXES
from harness.domain.cell import WORKLOAD
from harness.errors import unknown
from harness.spec.axis_grammars import GRAMMARS
from harness.spec.choices import Context
from harness.spec.faults import sentence
from harness.spec.matrix import Link, Value, Values, keys
from harness.spec.reader import KeyPath
from harness.spec.settings import Counts, Workload

PlacedValues: TypeAlias = Mapping[str, list[tuple[Value, KeyPath]]]  # by key: values, places

_COUNTS: TypeAdapter[tuple[int, ...]] = TypeAdapter(Counts)


@dataclass(frozen=True)
class Axes:
    """The values in a spec's matrix and workload, `zip`, `exclude`, `include` and `baseline`.

    `matrix` has the values of every key, including those of linked keys and defaults.
    """

    matrix: PlacedValues
    links: list[PlacedValues]
    exclude: list[PlacedValues]
    include: list[PlacedValues]
    baseline: PlacedValues

    def where(self, key: str, value: Value) -> KeyPath | None:
        """The place where the matrix or an include first names the value; None for a default."""
        for block in (self.matrix, *self.include):
            for named, path in block.get(key, ()):
                if named == value and path:
                    return path
        return None


def read_axes(spec: Mapping[str, Any], context: Context) -> Axes:
    """Reads the values that a spec names, and adds their faults to the context's source.

    `spec` is the file's mapping before pydantic has checked it, so that one error lists the faults
    of axes and of settings together.
    """
    links = _patterns(spec, "zip", context)
    _check_links(links, spec, context)
    linked = {key: values for link in links for key, values in link.items()}
    axes = _matrix(spec.get("matrix"), linked, context)
    workload = _block(spec.get("workload"), WORKLOAD, ("workload",), context)
    given = {**axes, **workload, **linked}
    return Axes(
        matrix={**given, **_defaults(given, context)},
        links=links,
        exclude=_patterns(spec, "exclude", context),
        include=_patterns(spec, "include", context),
        baseline=_pattern(spec.get("baseline"), ("baseline",), context),
    )


def read_values(found: Mapping[str, Any], path: KeyPath, context: Context) -> PlacedValues:
    """The values of the axes and workload keys in a mapping, which may have other keys too."""
    return _block(found, keys(), path, context)


def plain(placed: PlacedValues) -> Values:
    """The values without their places."""
    return {key: [value for value, _ in pairs] for key, pairs in placed.items()}


def points(link: PlacedValues) -> Link:
    """Combines the first values of all keys of a link, then the second values, and so on."""
    steps = zip(*plain(link).values(), strict=True)
    return [dict(zip(link, step, strict=True)) for step in steps]


def _matrix(found: Any, linked: Collection[str], context: Context) -> PlacedValues:
    """Reads `matrix`. An axis without a default must be in it or in `zip`."""
    if not isinstance(found, dict):
        return {}
    path: KeyPath = ("matrix",)
    _check_known(found, AXES, path, context)
    for axis in AXES.values():
        if axis.default is None and axis.name not in {*found, *linked}:
            context.source.add_fault(path, f"the key {axis.name!r} is missing ({axis.about})")
    return _block(found, AXES, path, context)


def _check_links(links: Sequence[PlacedValues], spec: Mapping[str, Any], context: Context) -> None:
    """A key in an entry of `zip` must not be anywhere else."""
    blocks = {block: spec.get(block) for block in ("matrix", "workload")}
    taken = {key: at for at, found in blocks.items() if isinstance(found, dict) for key in found}
    for index, link in enumerate(links):
        for key in link:
            if key in taken:
                message = f"{key} is also in {taken[key]}: give its values in one place"
                context.source.add_fault(("zip", index, key), message, key=True)
            taken.setdefault(key, "an earlier entry of zip")


def _defaults(given: Collection[str], context: Context) -> PlacedValues:
    """The defaults of all keys that the file leaves out, without a place."""
    defaults = {axis.name: axis.default for axis in AXES.values() if axis.default is not None}
    amounts = {key: info.default for key, info in Workload.model_fields.items()}
    return {
        key: [(value, ()) for value, _ in _values(key, default, (), context)]
        for key, default in {**defaults, **amounts}.items()
        if key not in given
    }


def _patterns(spec: Mapping[str, Any], block: str, context: Context) -> list[PlacedValues]:
    entries = spec.get(block)
    if not isinstance(entries, list):
        return []
    return [_pattern(entry, (block, index), context) for index, entry in enumerate(entries)]


def _pattern(found: Any, path: KeyPath, context: Context) -> PlacedValues:
    """Reads a mapping of any axes and workload keys: of an entry of a block, or the baseline."""
    if not isinstance(found, dict):
        return {}
    _check_known(found, keys(), path, context)
    if not found and path != ("baseline",):
        context.source.add_fault(path, "an empty entry names no cells")
    return read_values(found, path, context)


def _check_known(
    found: Iterable[str], possible: Collection[str], path: KeyPath, context: Context
) -> None:
    for key in found:
        if key not in possible:
            context.source.add_fault((*path, key), unknown("key", key, possible), key=True)


def _block(found: Any, keys: Iterable[str], path: KeyPath, context: Context) -> PlacedValues:
    given = found if isinstance(found, dict) else {}
    return {key: _values(key, given[key], (*path, key), context) for key in keys if key in given}


def _values(key: str, found: Any, path: KeyPath, context: Context) -> list[tuple[Value, KeyPath]]:
    """The values of a key: a list holds several, anything else is one value."""
    if key in WORKLOAD:
        return _amounts(key, found, path, context)
    if found == []:
        context.source.add_fault(path, "there is no value: give at least one")
    items = (
        [(item, (*path, index)) for index, item in enumerate(found)]
        if isinstance(found, list)
        else [(found, path)]
    )
    read = GRAMMARS[key].read
    return [(value, at) for item, at in items for value in read(key, item, at, context)]


def _amounts(key: str, found: Any, path: KeyPath, context: Context) -> list[tuple[Value, KeyPath]]:
    try:
        amounts = _COUNTS.validate_python(found, strict=True)
    except ValidationError as error:
        for detail in error.errors():
            at = (*path, *detail["loc"]) if isinstance(found, list) else path
            context.source.add_fault(at, sentence(detail, key))
        return []
    several = isinstance(found, list)
    return [(one, (*path, index) if several else path) for index, one in enumerate(amounts)]
