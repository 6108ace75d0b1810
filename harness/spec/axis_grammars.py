"""The grammar of each axis: how a spec writes its values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from harness.domain.axis import AXES, Axis
from harness.domain.cell import WORKLOAD, On
from harness.domain.entry import Entry
from harness.errors import PluginError
from harness.spec import axis_schemas
from harness.spec.catalog import ADDED, Catalog, Entries
from harness.spec.choices import (
    Context,
    read_compressions,
    read_entry,
    read_parallelisms,
    read_precision,
)
from harness.spec.models import read_models
from harness.spec.patterns import read_operators
from harness.spec.reader import KeyPath

Reader: TypeAlias = Callable[[str, Any, KeyPath, Context], Sequence[On]]


@dataclass(frozen=True)
class Grammar:
    """Reads one value of an axis from YAML, and makes the JSON Schema of its possible values.

    By default a value is an entry's name, or a mapping of `name` and options.
    """

    read: Reader = read_entry
    schema: Callable[[str, Catalog], axis_schemas.Schema] = axis_schemas.entry


GRAMMARS: dict[str, Grammar] = {
    "model": Grammar(read_models, axis_schemas.model),
    "hardware": Grammar(),
    "scenario": Grammar(),
    "parallelism": Grammar(read_parallelisms, axis_schemas.parallelism),
    "compression": Grammar(read_compressions, axis_schemas.compression),
    "operator": Grammar(read_operators, axis_schemas.operator),
    "precision": Grammar(read_precision, axis_schemas.precision),
    "backend": Grammar(),
}


def add_axis(axis: Axis, entries: Entries[Entry], grammar: Grammar | None = None) -> None:
    """Add an axis to the tables. Call this in a module that the entry points `harness.axes` name.

    Raises PluginError if the name is taken, or if the default is not one of the entries.
    """
    if axis.name in {*AXES, *WORKLOAD, "workload"}:
        raise PluginError(
            f"an axis or workload key is called {axis.name!r} already: choose another name"
        )
    if not axis.composed and axis.default not in entries:
        raise PluginError(
            f"the default of the axis {axis.name!r} is {axis.default!r}, "
            "which is not one of its entries"
        )
    AXES[axis.name] = axis
    GRAMMARS[axis.name] = grammar or Grammar()
    ADDED[axis.name] = entries
