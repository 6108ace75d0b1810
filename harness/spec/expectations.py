"""Reads a spec's `expect` block: what its cells' results should be."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, WithJsonSchema

from harness.domain.cell import Cell
from harness.domain.expectation import Bound, Expectation
from harness.domain.result import Status
from harness.errors import unknown
from harness.spec.axes import PlacedValues, plain, read_values
from harness.spec.axis_schemas import Schema, mapping, value_or_list, without_titles
from harness.spec.bounds import bound_schema, read_bound, units_of
from harness.spec.catalog import Catalog
from harness.spec.checks import not_in_matrix
from harness.spec.choices import Context
from harness.spec.faults import Source, shown
from harness.spec.matrix import keys, matches, value_of
from harness.spec.reader import KeyPath
from harness.spec.settings import SettingsBlock

_HOST = r"[A-Za-z0-9][^\s]*"
_WRITE_HOST = "write the beginning of a fingerprint, in quotes, or a word of the processor's name"
STATUSES = [str(one) for one in Status if one.final]
_CLAIMS = "write a metric with min or max, a status, or required: true"


def _host(found: object) -> object:
    if not isinstance(found, str):  # such as 1234 or 12e4, whose text YAML does not keep
        raise ValueError(f"host should be a text, found {shown(found)}: {_WRITE_HOST}")  # noqa: TRY004 - pydantic expects ValueError
    if not re.fullmatch(_HOST, found):
        raise ValueError(f"{shown(found)} names no host: {_WRITE_HOST}")
    return found


class ExpectKeys(SettingsBlock):
    """The keys of an entry of `expect`, beside the axes and workload keys that select its cells."""

    host: Annotated[
        str,
        BeforeValidator(_host),
        WithJsonSchema({"type": "string", "pattern": f"^{_HOST}$"}),
    ] = Field(
        "",
        description="only results of hosts with a fingerprint that begins with this text (four "
        "digits or more, in quotes), or with this word in their processor's or GPU's name",
    )
    metric: Any = Field("", description="the metric that `min` and `max` bound")
    min: Any = Field(None, description="the metric's least value, e.g. 250, 12ms, 2GiB or 40%")
    max: Any = Field(None, description="the metric's largest value")
    status: Any = Field((), description="the cell's status; a list means any of them")
    required: bool = Field(
        False,
        description="a cell that was not measured, is unsupported or was skipped is a failure",
    )
    xfail: str = Field(
        "",
        min_length=1,
        description="why the expectation is known to fail; if it is met, that is a failure",
    )


@dataclass(frozen=True)
class Entry:
    """An entry of `expect`: the values that its cells have, and the expectation without cells."""

    path: KeyPath
    selection: PlacedValues
    expectation: Expectation


def read_expectations(found: Any, context: Context) -> list[Entry]:
    """The entries of an `expect` block. Adds their faults to the context's source."""
    entries = found if isinstance(found, list) else []
    read = (
        _entry(entry, ("expect", index), context)
        for index, entry in enumerate(entries)
        if isinstance(entry, dict)
    )
    return [one for one in read if one is not None]


def _entry(found: Mapping[str, Any], path: KeyPath, context: Context) -> Entry | None:
    source = context.source
    selection = read_values(found, path, context)
    given = {key: value for key, value in found.items() if key not in keys()}
    try:
        checked = ExpectKeys.model_validate(given)
    except ValidationError as error:
        source.add_validation_faults(error, ExpectKeys, path, keys=keys())
        return None
    if fault := _claim_fault(given, checked):
        source.add_fault(path, fault)
        return None
    low, high = _bounds(given, path, context) if "metric" in given else (None, None)
    expectation = Expectation(
        where=source.where(path),
        cells=frozenset(),
        host=checked.host,
        metric=checked.metric if isinstance(checked.metric, str) else "",
        low=low,
        high=high,
        statuses=_statuses(given["status"], path, source) if "status" in given else (),
        required=checked.required,
        xfail=checked.xfail,
    )
    return Entry(path, selection, expectation)


def _claim_fault(given: Collection[str], checked: ExpectKeys) -> str:
    """Why the entry claims nothing, or too much; "" if it makes one claim."""
    bounds = [key for key in ("min", "max") if key in given]
    if "metric" not in given and bounds:
        return f"{bounds[0]} bounds no metric: name the metric too"
    if "metric" in given and not bounds:
        return "a metric needs min, max or both"
    if "metric" in given and "status" in given:
        return "metric and status are two expectations: write an entry for each"
    if "metric" not in given and "status" not in given and not checked.required:
        return f"this entry expects nothing: {_CLAIMS}"
    return ""


def _bounds(
    given: Mapping[str, Any], path: KeyPath, context: Context
) -> tuple[Bound | None, Bound | None]:
    name, source = given["metric"], context.source
    if not isinstance(name, str):
        source.add_fault((*path, "metric"), f"metric should be a name, found {shown(name)}")
        return None, None
    if name not in context.catalog.metrics:
        message = unknown("metric", name, context.catalog.metrics)
        source.add_fault((*path, "metric"), message)
        return None, None
    metric, bounds = context.catalog.metrics[name], dict[str, Bound]()
    for key in ("min", "max"):
        if key in given:
            try:
                bounds[key] = read_bound(given[key], metric)
            except ValueError as error:
                source.add_fault((*path, key), str(error))
    low, high = bounds.get("min"), bounds.get("max")
    if low and high and low.value > high.value:
        source.add_fault((*path, "max"), f"max {high.text} is below min {low.text}")
    return low, high


def _statuses(found: Any, path: KeyPath, source: Source) -> tuple[Status, ...]:
    several = isinstance(found, list)
    named = (
        [(one, (*path, "status", index)) for index, one in enumerate(found)]
        if several
        else [(found, (*path, "status"))]
    )
    if not named:
        source.add_fault((*path, "status"), "there is no value: give at least one")
    for one, at in named:
        if not isinstance(one, str):
            source.add_fault(at, f"status should be a name, found {shown(one)}")
        elif one not in STATUSES:
            source.add_fault(at, unknown("status", one, STATUSES))
    return tuple(Status(one) for one, _ in named if isinstance(one, str) and one in STATUSES)


def with_cells(
    entries: Iterable[Entry], written: Sequence[Cell], cells: Sequence[Cell], source: Source
) -> tuple[Expectation, ...]:
    """The expectations with the ids of their cells.

    `written` are the cells with batches as the file gives them, `cells` the same with the batches
    of all ranks. An entry that selects no cell is nearly always a mistake, unless overrides may
    have removed the cells.
    """
    found = []
    for entry in entries:
        pattern = {key: frozenset(values) for key, values in plain(entry.selection).items()}
        pairs = zip(written, cells, strict=True)
        ids = frozenset(cell.id for one, cell in pairs if matches(one, pattern))
        if not ids and not source.overridden:
            _add_no_match(entry, written, source)
        found.append(replace(entry.expectation, cells=ids))
    return tuple(found)


def _add_no_match(entry: Entry, written: Sequence[Cell], source: Source) -> None:
    for key, pairs in entry.selection.items():
        present = dict.fromkeys(value_of(cell, key) for cell in written)
        possible = [value for value in present if value is not None]
        for value, path in pairs:
            if value not in possible:
                reason = not_in_matrix(key, value, possible)
                source.add_fault(path, f"this expectation matches no cell: {reason}")
                return
    source.add_fault(entry.path, "this expectation matches no cell: none has all of these values")


def schema(selectors: Schema, catalog: Catalog) -> Schema:
    """The JSON Schema of an entry. `selectors` are the schemas of axes and workload keys."""
    own = without_titles(ExpectKeys.model_json_schema())["properties"]
    about = {name: {"description": one["description"]} for name, one in own.items()}
    own["metric"] = {**about["metric"], "enum": [*catalog.metrics]}
    own["status"] = {**about["status"], **value_or_list({"enum": STATUSES})}
    own |= {key: about[key] for key in ("min", "max")}
    for name in own:
        own[name].pop("default", None)  # an entry has no default: it claims what it names
    claims = [
        {"required": ["metric"]},
        {"required": ["status"]},
        {"required": ["required"], "properties": {"required": {"const": True}}},
    ]
    return mapping({**selectors, **own}) | {
        "anyOf": claims,
        "not": {"required": ["metric", "status"]},
        "dependentRequired": {"min": ["metric"], "max": ["metric"]},
        "allOf": [_needs_bound(), *_bound_schemas(catalog)],
    }


def _needs_bound() -> Schema:
    bounded = [{"required": ["min"]}, {"required": ["max"]}]
    return {"if": {"required": ["metric"]}, "then": {"anyOf": bounded}}


def _bound_schemas(catalog: Catalog) -> list[Schema]:
    """What the bounds of each metric may be; metrics with the same units share one condition."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in catalog.metrics:
        groups.setdefault((*units_of(catalog.metrics[name]),), []).append(name)
    conditions = []
    for names in groups.values():
        bound = bound_schema(catalog.metrics[names[0]])
        chosen = {"properties": {"metric": {"enum": names}}, "required": ["metric"]}
        conditions.append({"if": chosen, "then": {"properties": {"min": bound, "max": bound}}})
    return conditions
