"""Whether a spec's cells make sense, before anything runs. What a host can do is plan.py's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import prod

from harness.domain.cell import Cell, Choice, label
from harness.errors import unknown
from harness.model.architectures import shape_of
from harness.spec.axes import Axes
from harness.spec.catalog import Catalog
from harness.spec.faults import Source
from harness.spec.matrix import Expansion, Value, value_of
from harness.spec.reader import Trail
from harness.spec.settings import MAX_AMOUNT

MAX_CELLS = 100_000


def check_size(counts: Mapping[Trail, int], source: Source) -> None:
    """The matrix and each include, by their path, stay within MAX_CELLS."""
    for path, count in counts.items():
        if count > MAX_CELLS:
            source.fault(path, f"makes {count:,} cells; at most {MAX_CELLS:,}")


def check_excludes(expansion: Expansion, axes: Axes, source: Source) -> None:
    """An exclude that leaves nothing out is nearly always a slip.

    With overrides it is not: what it names may be just what was narrowed away.
    """
    if not source.overridden:
        for index in expansion.idle:
            pattern = axes.exclude[index]
            absent = (
                (path, _absent(key, value, [one for one, _ in axes.matrix[key]]))
                for key, pairs in pattern.items()
                for value, path in pairs
                if all(value != one for one, _ in axes.matrix[key])
            )
            nowhere = (("exclude", index), "no cell has all of these")
            path, why = next(absent, nowhere)
            source.fault(path, f"this exclude leaves nothing out: {why}")
    if not expansion.cells:
        source.fault(("exclude",), "every cell is excluded: nothing is left to measure")


def check_prices(prices: Mapping[str, float], catalog: Catalog, source: Source) -> None:
    """A price is of some hardware there is; it need not be in the matrix."""
    for name in prices:
        if name.partition("(")[0] not in catalog.hardware:
            message = unknown("hardware", name, catalog.hardware)
            source.fault(("prices", name), message, key=True)


def check_baseline(cells: Collection[Cell], axes: Axes, source: Source) -> None:
    """A baseline has one value an axis, of those in the matrix, and leaves the scenario alone."""
    for link in axes.links:
        named, further = link.keys() & axes.baseline.keys(), link.keys() - axes.baseline.keys()
        for key in named if further else ():
            told = f"{key} is linked in zip: name {' and '.join(sorted(further))} too"
            source.fault(("baseline", key), told, key=True)
    present = {key: dict.fromkeys(value_of(cell, key) for cell in cells) for key in axes.baseline}
    for key, pairs in axes.baseline.items():
        path = ("baseline", key)
        if key == "scenario":
            source.fault(path, "cells are compared within a scenario: leave it out", key=True)
        if len(pairs) > 1:
            source.fault(path, f"a baseline has one value of each axis, found {len(pairs)}")
        for value, at in pairs:
            there = [one for one in present[key] if one is not None]
            if value not in there:
                source.fault(
                    at, f"the baseline is not among the cells: {_absent(key, value, there)}"
                )


def check_links(axes: Axes, source: Source) -> None:
    """An entry of `zip` links several keys, with as many values each."""
    for index, link in enumerate(axes.links):
        counts = {key: len(values) for key, values in link.items()}
        if len(counts) == 1:
            told = f"{next(iter(counts))} alone is linked with nothing: name two keys or more"
            source.fault(("zip", index), told)
        elif len({*counts.values()}) > 1:
            numbers = ", ".join(f"{key} has {count}" for key, count in counts.items())
            told = f"linked keys advance together, so each needs as many values: {numbers}"
            source.fault(("zip", index), told)


def check_scaling(axes: Axes, source: Source) -> None:
    """Under weak scaling the batch follows the ranks: `zip` cannot have it follow them as well."""
    for index, link in enumerate(axes.links):
        if {"parallelism", "batch"} <= link.keys():
            told = "scaling: weak has batch follow parallelism: link it in one of the two ways"
            source.fault(("zip", index), told)


def check_batches(cells: Collection[Cell], axes: Axes, source: Source) -> None:
    """Batches that grew with the ranks are within the bounds of those that are written."""
    for cell in cells:
        if (batch := cell.load.get("batch", 0)) > MAX_AMOUNT:
            path = axes.where("parallelism", cell.parallelism) or ("scaling",)
            told = f"makes a batch of {batch:,} with {label(cell.parallelism)}"
            source.fault(path, f"scaling: weak {told}; at most {MAX_AMOUNT:,}")


def check_cells(cells: Collection[Cell], axes: Axes, catalog: Catalog, source: Source) -> None:
    """Every sequence fits its model's context, and every batch splits evenly."""
    for one in dict.fromkeys((cell.scenario, cell.model, cell.workload) for cell in cells):
        _check_context(*one, axes, catalog, source)
    splits = ((cell.parallelism, cell.load.get("batch"), cell.scenario.name) for cell in cells)
    for split in dict.fromkeys(splits):
        _check_split(*split, axes, catalog, source)


def _check_context(
    scenario: Choice,
    model: Choice,
    workload: tuple[tuple[str, int], ...],
    axes: Axes,
    catalog: Catalog,
    source: Source,
) -> None:
    amounts = dict(workload)
    capacity = catalog.scenario[scenario.name].of(scenario).capacity(amounts)
    shape = shape_of(model)
    prompt = min(amounts.get("prompt", capacity), capacity)
    need, context = shape.longest(prompt, capacity - prompt), shape.context
    if need > context:
        keys = [key for key in ("prompt", "generate") if key in amounts]
        lengths = " and ".join(f"{key} {amounts[key]}" for key in keys)
        asked = [axes.where("prompt", amounts.get("prompt", 0)), axes.where("model", model)]
        source.fault(
            next((path for path in asked if path), ("workload",)),
            f"{scenario} with {lengths} needs a context of {need} tokens; model {model} has "
            f"{context}: shorten it, or exclude this combination",
        )


def _check_split(
    parallelism: tuple[Choice, ...],
    batch: int | None,
    scenario: str,
    axes: Axes,
    catalog: Catalog,
    source: Source,
) -> None:
    strategies = catalog.strategies(parallelism)
    trains = catalog.scenario[scenario].trains
    pieces = prod(one.cuts if trains else one.shares for one in strategies)
    if batch is not None and batch % pieces:
        asked = [axes.where("batch", batch), axes.where("parallelism", parallelism)]
        source.fault(
            next((path for path in asked if path), ("workload",)),
            f"batch {batch} does not split evenly over {label(parallelism)}: make it a "
            f"multiple of {pieces}, or exclude this combination",
        )


def text(value: Value) -> str:
    """A value as people read it."""
    return str(value) if isinstance(value, int) else label(value)


def _absent(key: str, value: Value, there: Collection[Value]) -> str:
    return unknown(key, text(value), map(text, there)).replace("unknown", "the matrix has no", 1)
