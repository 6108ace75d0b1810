"""How the values of each axis are written: the spec's side of the table of axes."""

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
from harness.spec.choices import Context, compositions, degrees, named, precision
from harness.spec.models import models
from harness.spec.patterns import operators
from harness.spec.reader import Trail

Reader: TypeAlias = Callable[[str, Any, Trail, Context], Sequence[On]]


@dataclass(frozen=True)
class Grammar:
    """How one value of an axis is read from YAML, and what editors are told that it may be.

    By default it is an entry's name, or a mapping of `name` and options.
    """

    read: Reader = named
    schema: Callable[[str, Catalog], axis_schemas.Schema] = axis_schemas.entry


GRAMMARS: dict[str, Grammar] = {
    "model": Grammar(models, axis_schemas.model),
    "hardware": Grammar(),
    "scenario": Grammar(),
    "parallelism": Grammar(degrees, axis_schemas.parallelism),
    "compression": Grammar(compositions, axis_schemas.compression),
    "operator": Grammar(operators, axis_schemas.operator),
    "precision": Grammar(precision, axis_schemas.precision),
    "backend": Grammar(),
}


def add_axis(axis: Axis, entries: Entries[Entry], grammar: Grammar | None = None) -> None:
    """Add an axis, as the module does that an entry point in the group `harness.axes` names."""
    if axis.name in {*AXES, *WORKLOAD, "workload"}:
        raise PluginError(f"the axis {axis.name!r} is there already: name yours otherwise")
    if not axis.composed and axis.default not in entries:
        raise PluginError(f"the axis {axis.name!r} has no entry {axis.default!r}, its default")
    AXES[axis.name] = axis
    GRAMMARS[axis.name] = grammar or Grammar()
    ADDED[axis.name] = entries
