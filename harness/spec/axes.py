"""All axes and workload keys that a spec names, read into values that know where they stood."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import TypeAdapter, ValidationError

from harness.domain.cell import AXES, WORKLOAD
from harness.errors import unknown
from harness.spec.choices import READERS, Context
from harness.spec.faults import sentence
from harness.spec.matrix import KEYS, Value, Values
from harness.spec.models import models
from harness.spec.patterns import operators
from harness.spec.reader import Trail
from harness.spec.schema import Counts, Matrix, Workload

Found: TypeAlias = Mapping[str, list[tuple[Value, Trail]]]  # by key: values and where they stand

_READERS = {**READERS, "model": models, "operator": operators}
_COUNTS: TypeAdapter[tuple[int, ...]] = TypeAdapter(Counts)


@dataclass(frozen=True)
class Axes:
    """What a spec's matrix, workload, excludes, includes and baseline name."""

    matrix: Found
    exclude: list[Found]
    include: list[Found]
    baseline: Found

    def where(self, key: str, value: Value) -> Trail | None:
        """Where the value was first asked for, to be run; None for a default nobody wrote."""
        for found in (self.matrix, *self.include):
            for asked, path in found.get(key, ()):
                if asked == value and path:
                    return path
        return None


def read_axes(spec: Mapping[str, Any], context: Context) -> Axes:
    """The values that a spec's mapping names; what is wrong with them goes to the source.

    The mapping is the file's own, not the schema's, so that the faults of both are told at once.
    """
    axes = _block(spec.get("matrix"), AXES, ("matrix",), context)
    workload = _block(spec.get("workload"), WORKLOAD, ("workload",), context)
    return Axes(
        matrix={**axes, **workload, **_defaults({*axes, *workload}, context)},
        exclude=_patterns(spec, "exclude", context),
        include=_patterns(spec, "include", context),
        baseline=_pattern(spec.get("baseline"), ("baseline",), context),
    )


def plain(found: Found) -> Values:
    """Without the places."""
    return {key: [value for value, _ in pairs] for key, pairs in found.items()}


def _defaults(given: Collection[str], context: Context) -> Found:
    """What the schema gives where the file says nothing; it stands nowhere."""
    fields = {**Matrix.model_fields, **Workload.model_fields}
    return {
        key: [(value, ()) for value, _ in _values(key, info.default, (), context)]
        for key, info in fields.items()
        if key not in given and not info.is_required()
    }


def _patterns(spec: Mapping[str, Any], block: str, context: Context) -> list[Found]:
    entries = spec.get(block)
    if not isinstance(entries, list):
        return []
    return [_pattern(entry, (block, index), context) for index, entry in enumerate(entries)]


def _pattern(found: Any, path: Trail, context: Context) -> Found:
    """Part of a matrix: any axes and workload keys."""
    if not isinstance(found, dict):
        return {}
    for key in found:
        if key not in KEYS:
            context.source.fault((*path, key), unknown("key", key, KEYS), key=True)
    if not found and path != ("baseline",):
        context.source.fault(path, "an empty entry names no cells")
    return _block(found, KEYS, path, context)


def _block(found: Any, keys: Iterable[str], path: Trail, context: Context) -> Found:
    given = found if isinstance(found, dict) else {}
    return {key: _values(key, given[key], (*path, key), context) for key in keys if key in given}


def _values(key: str, found: Any, path: Trail, context: Context) -> list[tuple[Value, Trail]]:
    """In order: a list holds several values, anything else is one."""
    if key in WORKLOAD:
        return _amounts(key, found, path, context)
    if found == []:
        context.source.fault(path, "there is no value: give at least one")
    items = (
        [(item, (*path, index)) for index, item in enumerate(found)]
        if isinstance(found, list)
        else [(found, path)]
    )
    read = _READERS[key]
    return [(value, at) for item, at in items for value in read(key, item, at, context)]


def _amounts(key: str, found: Any, path: Trail, context: Context) -> list[tuple[Value, Trail]]:
    try:
        amounts = _COUNTS.validate_python(found, strict=True)
    except ValidationError as error:
        for detail in error.errors():
            at = (*path, *detail["loc"]) if isinstance(found, list) else path
            context.source.fault(at, sentence(detail, key))
        return []
    several = isinstance(found, list)
    return [(one, (*path, index) if several else path) for index, one in enumerate(amounts)]
