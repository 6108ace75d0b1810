"""Reads operators mixed by layer: `{pattern: [sdpa, banded], window: 128}`.

The layers cycle through the pattern. Each other option goes to every operator that has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.domain.cell import Choice, Option
from harness.domain.entry import Entry
from harness.errors import unknown
from harness.spec.choices import Context, entry_named, read_entry
from harness.spec.faults import shown
from harness.spec.options import Placed, combinations, list_options, placed, validated
from harness.spec.reader import KeyPath

PATTERN = "pattern"  # the key, and the name of the registered operator


def read_operators(axis: str, found: Any, path: KeyPath, context: Context) -> list[Choice]:
    """Reads an operator, or a pattern of operators."""
    if not is_pattern(found) or PATTERN not in context.catalog.operator:
        return read_entry(axis, found, path, context)
    parts = _parts(found[PATTERN], (*path, PATTERN), context)
    rest = {key: value for key, value in found.items() if key not in {PATTERN, "name"}}
    options = placed(rest, path)
    if not parts or not _are_known(options, parts, context):
        return []
    lists = frozenset[str]().union(*(list_options(part.Options) for part in parts))
    made = [
        _shared(parts, combination, path, context)
        for combination in combinations(lists, options, path, context.source)
    ]
    return [_choice(parts, options) for options in made if options is not None]


def is_pattern(found: Any) -> bool:
    """True if a value of the axis is a pattern."""
    return isinstance(found, dict) and PATTERN in found and found.get("name", PATTERN) == PATTERN


def _parts(found: Any, path: KeyPath, context: Context) -> list[type[Entry]]:
    """The entries of the pattern; none, and faults, if any is wrong."""
    if not isinstance(found, list) or len(found) < 2:
        message = f"a pattern should be a list of at least two operators, found {shown(found)}"
        context.source.add_fault(path, message)
        return []
    parts = [_part(name, (*path, index), context) for index, name in enumerate(found)]
    return [part for part in parts if part is not None] if None not in parts else []


def _part(name: Any, path: KeyPath, context: Context) -> type[Entry] | None:
    if not isinstance(name, str):
        message = f"in a pattern, an operator should be a name, found {shown(name)}"
        context.source.add_fault(path, f"{message}: put its options beside the pattern")
        return None
    if name == PATTERN:
        context.source.add_fault(path, "a pattern cannot contain another pattern")
        return None
    return entry_named("operator", name, path, context)


def _are_known(options: Placed, parts: Sequence[type[Entry]], context: Context) -> bool:
    """True if every option belongs to some part; adds a fault for each that does not."""
    possible = [PATTERN, *(key for part in parts for key in part.Options.model_fields)]
    unknown_keys = [(key, path) for key, (_, path) in options.items() if key not in possible]
    for key, path in unknown_keys:
        context.source.add_fault(path, unknown("key", key, dict.fromkeys(possible)), key=True)
    return not unknown_keys


def _shared(
    parts: Sequence[type[Entry]], options: Placed, path: KeyPath, context: Context
) -> Mapping[str, Option] | None:
    """The options that differ from the default of some part; None if a part refuses one."""
    made = [
        validated(part.Options, _own(part, options), path, context.source)
        for part in dict.fromkeys(parts)
    ]
    changed: dict[str, Option] = {}
    for one in made:
        if one is None:
            return None
        changed |= one.canonical()
    return changed


def _own(part: type[Entry], options: Placed) -> Placed:
    return {key: value for key, value in options.items() if key in part.Options.model_fields}


def _choice(parts: Sequence[type[Entry]], options: Mapping[str, Option]) -> Choice:
    names = tuple(part.name for part in parts)
    given = tuple(sorted(options.items()))
    label = str(Choice("/".join(names), given))
    return Choice(PATTERN, tuple(sorted((*given, (PATTERN, names)))), label)
