"""All axes and workload keys that a spec names, read into values that know where they stood."""

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
from harness.spec.reader import Trail
from harness.spec.settings import Counts, Workload

Found: TypeAlias = Mapping[str, list[tuple[Value, Trail]]]  # by key: values and where they stand

_COUNTS: TypeAdapter[tuple[int, ...]] = TypeAdapter(Counts)


@dataclass(frozen=True)
class Axes:
    """What a spec's matrix, workload, links, excludes, includes and baseline name.

    `matrix` has the values of every key, and so those of the keys in `links` too.
    """

    matrix: Found
    links: list[Found]
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


def plain(found: Found) -> Values:
    """Without the places."""
    return {key: [value for value, _ in pairs] for key, pairs in found.items()}


def points(link: Found) -> Link:
    """The values of a link's keys, step by step."""
    steps = zip(*plain(link).values(), strict=True)
    return [dict(zip(link, step, strict=True)) for step in steps]


def _matrix(found: Any, linked: Collection[str], context: Context) -> Found:
    """The axes that it names: known ones, and all that have no default and are not linked."""
    if not isinstance(found, dict):
        return {}
    path: Trail = ("matrix",)
    _check_known(found, AXES, path, context)
    for axis in AXES.values():
        if axis.default is None and axis.name not in {*found, *linked}:
            context.source.fault(path, f"the key {axis.name!r} is missing ({axis.about})")
    return _block(found, AXES, path, context)


def _check_links(links: Sequence[Found], spec: Mapping[str, Any], context: Context) -> None:
    """A key of an entry of `zip` stands nowhere else."""
    blocks = {block: spec.get(block) for block in ("matrix", "workload")}
    taken = {key: at for at, found in blocks.items() if isinstance(found, dict) for key in found}
    for index, link in enumerate(links):
        for key in link:
            if key in taken:
                told = f"{key} stands in {taken[key]} too: give its values in one place"
                context.source.fault(("zip", index, key), told, key=True)
            taken.setdefault(key, "an earlier entry of zip")


def _defaults(given: Collection[str], context: Context) -> Found:
    """What holds where the file says nothing; it stands nowhere."""
    defaults = {axis.name: axis.default for axis in AXES.values() if axis.default is not None}
    amounts = {key: info.default for key, info in Workload.model_fields.items()}
    return {
        key: [(value, ()) for value, _ in _values(key, default, (), context)]
        for key, default in {**defaults, **amounts}.items()
        if key not in given
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
    _check_known(found, keys(), path, context)
    if not found and path != ("baseline",):
        context.source.fault(path, "an empty entry names no cells")
    return _block(found, keys(), path, context)


def _check_known(
    found: Iterable[str], possible: Collection[str], path: Trail, context: Context
) -> None:
    for key in found:
        if key not in possible:
            context.source.fault((*path, key), unknown("key", key, possible), key=True)


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
    read = GRAMMARS[key].read
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
