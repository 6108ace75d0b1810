"""Operators mixed by layer: `{pattern: [sdpa, banded], window: 128}`.

The layers cycle through the pattern; each further option goes to all operators in it that have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.domain.cell import Choice, Option
from harness.domain.entry import Entry
from harness.errors import unknown
from harness.spec.choices import Context, entry_named, named
from harness.spec.faults import shown
from harness.spec.options import Placed, combinations, list_options, placed, validated
from harness.spec.reader import Trail

PATTERN = "pattern"  # the key, and the registered operator that it makes


def operators(axis: str, found: Any, path: Trail, context: Context) -> list[Choice]:
    """An operator, or a pattern of them."""
    if not is_pattern(found) or PATTERN not in context.catalog.operator:
        return named(axis, found, path, context)
    parts = _parts(found[PATTERN], (*path, PATTERN), context)
    rest = {key: value for key, value in found.items() if key not in {PATTERN, "name"}}
    options = placed(rest, path)
    if not parts or not _known(options, parts, context):
        return []
    lists = frozenset[str]().union(*(list_options(part.Options) for part in parts))
    made = [
        _shared(parts, combination, path, context)
        for combination in combinations(lists, options, path, context.source)
    ]
    return [_choice(parts, options) for options in made if options is not None]


def is_pattern(found: Any) -> bool:
    """Whether a value of the axis is one."""
    return isinstance(found, dict) and PATTERN in found and found.get("name", PATTERN) == PATTERN


def _parts(found: Any, path: Trail, context: Context) -> list[type[Entry]]:
    """The entries of the pattern; empty, and faults noted, where one is wrong."""
    if not isinstance(found, list) or len(found) < 2:
        message = f"a pattern should be a list of at least two operators, found {shown(found)}"
        context.source.fault(path, message)
        return []
    parts = [_part(name, (*path, index), context) for index, name in enumerate(found)]
    return [part for part in parts if part is not None] if None not in parts else []


def _part(name: Any, path: Trail, context: Context) -> type[Entry] | None:
    if not isinstance(name, str):
        message = f"in a pattern, an operator should be a name, found {shown(name)}"
        context.source.fault(path, f"{message}: options stand beside the pattern")
        return None
    if name == PATTERN:
        context.source.fault(path, "a pattern does not hold another")
        return None
    return entry_named("operator", name, path, context)


def _known(options: Placed, parts: Sequence[type[Entry]], context: Context) -> bool:
    """Whether every option is one of some part's."""
    possible = [PATTERN, *(key for part in parts for key in part.Options.model_fields)]
    strange = [(key, path) for key, (_, path) in options.items() if key not in possible]
    for key, path in strange:
        context.source.fault(path, unknown("key", key, dict.fromkeys(possible)), key=True)
    return not strange


def _shared(
    parts: Sequence[type[Entry]], options: Placed, path: Trail, context: Context
) -> Mapping[str, Option] | None:
    """The options that differ from the default of some part; None where one is refused."""
    made = [
        validated(part.Options, _own(part, options), path, context.source)
        for part in dict.fromkeys(parts)
    ]
    told: dict[str, Option] = {}
    for one in made:
        if one is None:
            return None
        told |= one.canonical()
    return told


def _own(part: type[Entry], options: Placed) -> Placed:
    return {key: value for key, value in options.items() if key in part.Options.model_fields}


def _choice(parts: Sequence[type[Entry]], options: Mapping[str, Option]) -> Choice:
    names = tuple(part.name for part in parts)
    given = tuple(sorted(options.items()))
    label = str(Choice("/".join(names), given))
    return Choice(PATTERN, tuple(sorted((*given, (PATTERN, names)))), label)
