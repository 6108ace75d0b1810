"""Reads an axis's values into choices: names, options, compositions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, product
from pathlib import Path
from typing import Any

from harness.compression import misplaced
from harness.domain.axis import AXES, NONE
from harness.domain.cell import Choice
from harness.domain.entry import Entry
from harness.errors import unknown
from harness.parallelism import LAUNCHER, with_launcher
from harness.spec.catalog import Catalog
from harness.spec.faults import Source, shown
from harness.spec.options import (
    Placed,
    combinations,
    list_options,
    placed,
    too_many,
    validated,
)
from harness.spec.reader import KeyPath

_RENAMED = {"engine": LAUNCHER}  # old keys of `parallelism`, with their new names


@dataclass(frozen=True)
class Context:
    """The state of reading a spec's values: possible names, faults, and the files found so far."""

    catalog: Catalog
    source: Source
    weights: dict[str, str] = field(default_factory=dict)  # digest -> absolute path, of any file
    texts: dict[str, str] = field(default_factory=dict)  # `corpus` and `tokenizer` -> digest
    # Folders in which factories are looked for beside the installed packages.
    sources: list[Path] = field(default_factory=list)
    # (option, file) -> the file's digest, or why it cannot be read. Each file is read once.
    files: dict[tuple[str, str], tuple[str | None, str]] = field(default_factory=dict)


def read_entry(axis: str, found: Any, path: KeyPath, context: Context) -> list[Choice]:
    """Reads a registered entry: `sdpa`, or `{name: sdpa, option: value}`."""
    key = "device" if axis == "hardware" else "name"
    name, options = name_and_options(axis, found, path, context.source, key)
    at = (*path, key) if isinstance(found, dict) else path
    entry = entry_named(axis, name, at, context) if name is not None else None
    return _choices(entry, options, path, context, keys=(key,)) if entry else []


def read_compressions(
    _: str, found: Any, path: KeyPath, context: Context
) -> list[tuple[Choice, ...]]:
    """Reads `none`, one entry, or a list of entries that are applied in order."""
    if found in (NONE, {"name": NONE}):
        return [()]
    if not isinstance(found, list):
        return [(choice,) for choice in read_entry("compression", found, path, context)]
    if not found:
        context.source.add_fault(path, f"an empty composition: write {NONE}")
        return []
    parts = [(part, (*path, index)) for index, part in enumerate(found)]
    for part, at in parts:
        if part == NONE:
            context.source.add_fault(at, f"{NONE} cannot be part of a composition: leave it out")
    each = [read_entry("compression", part, at, context) for part, at in parts if part != NONE]
    if all(each) and len(each) == len(parts):
        entries = [context.catalog.compression[choices[0].name] for choices in each]
        if fault := misplaced(entries):
            index, message = fault
            context.source.add_fault(parts[index][1], message)
            return []
    return _products(each, path, context)


def read_parallelisms(
    _: str, found: Any, path: KeyPath, context: Context
) -> list[tuple[Choice, ...]]:
    """Reads `none`, or strategies with their degrees and a launcher: `{data: 2, tensor: [2, 4]}`.

    Keys are sorted, so that a combination makes the same cell in whichever order it is written.
    """
    if found == NONE:
        return [()]
    if not isinstance(found, dict) or not found:
        _add_parallelism_fault(found, path, context)
        return []
    each = [
        _read_launchers(found[key], (*path, key), context)
        if key == LAUNCHER
        else _read_strategy(key, found[key], path, context)
        for key in sorted(found)
    ]
    combined = _products(each, path, context)
    return [tuple(one for one in parts if _has_effect(one, context)) for parts in combined]


def read_precision(_: str, found: Any, path: KeyPath, context: Context) -> list[Choice]:
    """Reads the name of a number format."""
    if not isinstance(found, str):
        context.source.add_fault(path, f"precision should be a name, found {shown(found)}")
        return []
    if found not in context.catalog.precisions:
        context.source.add_fault(path, unknown("precision", found, context.catalog.precisions))
        return []
    return [Choice(found)]


def name_and_options(
    axis: str, found: Any, path: KeyPath, source: Source, key: str
) -> tuple[str | None, Placed]:
    """The name, and the options with their paths; None, and a fault, if the name is missing."""
    if isinstance(found, str):
        return found, {}
    if not isinstance(found, dict):
        source.add_fault(
            path, f"{axis} should be a name, or a mapping with {key!r}, found {shown(found)}"
        )
        return None, {}
    name = found.get(key)
    if key not in found:
        source.add_fault(path, f"the key {key!r} is missing: which {axis} is it?")
    elif not isinstance(name, str):
        source.add_fault((*path, key), f"{key} should be a name, found {shown(name)}")
    options = placed({name: value for name, value in found.items() if name != key}, path)
    return (name if isinstance(name, str) else None), options


def entry_named(
    axis: str, name: str, path: KeyPath, context: Context, *, key: bool = False
) -> type[Entry] | None:
    """The registered entry; None, and a fault, if there is no such entry."""
    entries = context.catalog.entries(axis)
    if name not in entries:
        composed = axis in AXES and AXES[axis].composed  # `launcher` is not an axis
        possible = [*entries, NONE] if composed else [*entries]
        context.source.add_fault(path, unknown(axis, name, possible), key=key)
        return None
    return entries[name]


def _choices(
    entry: type[Entry], options: Placed, path: KeyPath, context: Context, keys: Sequence[str] = ()
) -> list[Choice]:
    lists = list_options(entry.Options)
    made = [
        validated(entry.Options, combination, path, context.source, keys)
        for combination in combinations(lists, options, path, context.source)
    ]
    return [Choice(entry.name, one.canonical()) for one in made if one is not None]


def _read_strategy(name: str, given: Any, path: KeyPath, context: Context) -> list[Choice]:
    """Reads `data: 2`, short for `data: {degree: 2}`; `recompute: full`, for `{mode: full}`."""
    at, known = (*path, name), context.catalog.parallelism
    if name not in known:
        _add_unknown_strategy(name, at, context)
        return []
    entry = known[name]
    options = placed(given, at) if isinstance(given, dict) else {entry.short: (given, at)}
    return [
        replace(one, label=_label(one, entry.short))
        for one in _choices(entry, options, at, context)
    ]


def _add_unknown_strategy(name: str, path: KeyPath, context: Context) -> None:
    if name in _RENAMED:
        message = f"the key {name!r} is now called {_RENAMED[name]!r}"
    else:
        message = unknown("parallelism", name, _parallelism_names(context))
    context.source.add_fault(path, message, key=True)


def _read_launchers(found: Any, path: KeyPath, context: Context) -> list[Choice]:
    """Reads `spark` or `{name: spark, master: standalone}`; a list multiplies."""
    if not isinstance(found, list):
        return [with_launcher(one) for one in read_entry(LAUNCHER, found, path, context)]
    if not found:
        context.source.add_fault(path, "there is no value: give at least one")
    each = [read_entry(LAUNCHER, one, (*path, index), context) for index, one in enumerate(found)]
    return [with_launcher(one) for one in chain.from_iterable(each)]


def _parallelism_names(context: Context) -> list[str]:
    return [*context.catalog.parallelism, LAUNCHER, NONE]


def _label(choice: Choice, short: str) -> str:
    """For example `data=2`, `tensor=2(sequence=True)`, `oversubscribe`."""
    options = dict(choice.options)
    value = options.pop(short, None)
    name = choice.name if value is None or value is True else f"{choice.name}={value}"
    return str(Choice(name, tuple(options.items())))


def _has_effect(choice: Choice, context: Context) -> bool:
    """False if all options are at their defaults: `accumulate: 1`, `launcher: torch`."""
    options = context.catalog.parallelism_part(choice).Options
    has_required = any(field.is_required() for field in options.model_fields.values())
    return has_required or bool(choice.options)


def _products(
    each: Sequence[Sequence[Choice]], path: KeyPath, context: Context
) -> list[tuple[Choice, ...]]:
    return [] if too_many(map(len, each), path, context.source) else list(product(*each))


def _add_parallelism_fault(found: Any, path: KeyPath, context: Context) -> None:
    entries, possible = context.catalog.parallelism, _parallelism_names(context)
    if isinstance(found, str) and found not in possible:
        context.source.add_fault(path, unknown("parallelism", found, possible))
        return
    is_strategy = isinstance(found, str) and found in entries
    strategy = found if is_strategy else next(iter(entries), "data")
    context.source.add_fault(
        path,
        f"parallelism should be {NONE}, or strategies with their degrees such as "
        f"{{{strategy}: 2}}, found {shown(found)}",
    )
