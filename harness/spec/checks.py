"""Checks of a spec's cells before anything runs. harness/plan checks what the host can do."""

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
from harness.spec.reader import KeyPath
from harness.spec.settings import MAX_AMOUNT

MAX_CELLS = 100_000


def check_size(counts: Mapping[KeyPath, int], source: Source) -> None:
    """The matrix and each include make at most MAX_CELLS cells. `counts` is by their path."""
    for path, count in counts.items():
        if count > MAX_CELLS:
            source.add_fault(path, f"makes {count:,} cells; at most {MAX_CELLS:,}")


def check_excludes(expansion: Expansion, axes: Axes, source: Source) -> None:
    """An exclude must match a cell: one that does not is nearly always a mistake.

    With overrides it need not be: they may have removed the values that the exclude names.
    """
    if not source.overridden:
        for index in expansion.idle:
            pattern = axes.exclude[index]
            absent = (
                (path, not_in_matrix(key, value, [one for one, _ in axes.matrix[key]]))
                for key, pairs in pattern.items()
                for value, path in pairs
                if all(value != one for one, _ in axes.matrix[key])
            )
            no_match = (("exclude", index), "no cell has all of these values")
            path, reason = next(absent, no_match)
            source.add_fault(path, f"this exclude leaves nothing out: {reason}")
    if not expansion.cells:
        source.add_fault(("exclude",), "every cell is excluded: nothing is left to measure")


def check_prices(prices: Mapping[str, float], catalog: Catalog, source: Source) -> None:
    """Prices name registered hardware, which need not be in the matrix."""
    for name in prices:
        if name.partition("(")[0] not in catalog.hardware:
            message = unknown("hardware", name, catalog.hardware)
            source.add_fault(("prices", name), message, key=True)


def check_baseline(cells: Collection[Cell], axes: Axes, source: Source) -> None:
    """A baseline takes one value per key, which some cell has, and does not name the scenario."""
    for link in axes.links:
        named, missing = link.keys() & axes.baseline.keys(), link.keys() - axes.baseline.keys()
        for key in named if missing else ():
            message = f"{key} is linked in zip: name {' and '.join(sorted(missing))} too"
            source.add_fault(("baseline", key), message, key=True)
    present = {key: dict.fromkeys(value_of(cell, key) for cell in cells) for key in axes.baseline}
    for key, pairs in axes.baseline.items():
        path = ("baseline", key)
        if key == "scenario":
            source.add_fault(path, "cells are compared within a scenario: leave it out", key=True)
        if len(pairs) > 1:
            source.add_fault(path, f"a baseline takes one value per key, found {len(pairs)}")
        for value, at in pairs:
            possible = [one for one in present[key] if one is not None]
            if value not in possible:
                reason = not_in_matrix(key, value, possible)
                source.add_fault(at, f"the baseline is not among the cells: {reason}")


def check_links(axes: Axes, source: Source) -> None:
    """An entry of `zip` links two or more keys, which all have the same number of values."""
    for index, link in enumerate(axes.links):
        counts = {key: len(values) for key, values in link.items()}
        if len(counts) == 1:
            message = f"{next(iter(counts))} is linked with nothing: name two keys or more"
            source.add_fault(("zip", index), message)
        elif len({*counts.values()}) > 1:
            numbers = ", ".join(f"{key} has {count}" for key, count in counts.items())
            message = f"linked keys need the same number of values: {numbers}"
            source.add_fault(("zip", index), message)


def check_scaling(axes: Axes, source: Source) -> None:
    """Weak scaling sets the batch by the number of ranks: `zip` cannot link the two as well."""
    for index, link in enumerate(axes.links):
        if {"parallelism", "batch"} <= link.keys():
            message = "scaling: weak links batch with parallelism already: use one of the two"
            source.add_fault(("zip", index), message)


def check_batches(cells: Collection[Cell], axes: Axes, source: Source) -> None:
    """Under weak scaling, the batch of all ranks must not exceed MAX_AMOUNT either."""
    for cell in cells:
        if (batch := cell.load.get("batch", 0)) > MAX_AMOUNT:
            path = axes.where("parallelism", cell.parallelism) or ("scaling",)
            found = f"makes a batch of {batch:,} with {label(cell.parallelism)}"
            source.add_fault(path, f"scaling: weak {found}; at most {MAX_AMOUNT:,}")


def check_cells(cells: Collection[Cell], axes: Axes, catalog: Catalog, source: Source) -> None:
    """Every sequence must fit its model's context, and every batch must split evenly."""
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
        places = [axes.where("prompt", amounts.get("prompt", 0)), axes.where("model", model)]
        source.add_fault(
            next((path for path in places if path), ("workload",)),
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
        places = [axes.where("batch", batch), axes.where("parallelism", parallelism)]
        source.add_fault(
            next((path for path in places if path), ("workload",)),
            f"batch {batch} does not split evenly over {label(parallelism)}: make it a "
            f"multiple of {pieces}, or exclude this combination",
        )


def _text(value: Value) -> str:
    """The value for display."""
    return str(value) if isinstance(value, int) else label(value)


def not_in_matrix(key: str, value: Value, possible: Collection[Value]) -> str:
    """The message for a value that no cell has: the nearest one, and what is possible."""
    message = unknown(key, _text(value), map(_text, possible))
    return message.replace("unknown", "the matrix has no", 1)
