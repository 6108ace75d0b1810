"""The JSON Schema of a spec file, by which editors complete and check it.

The blocks come from settings.py, the axes from the table of axes, their values from the catalog.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.domain.axis import AXES
from harness.domain.cell import WORKLOAD
from harness.spec.axis_grammars import GRAMMARS
from harness.spec.axis_schemas import (
    TEXTS,
    Schema,
    mapping,
    split_annotations,
    value_or_list,
    without_titles,
)
from harness.spec.catalog import Catalog, registered
from harness.spec.expectations import schema as expectation
from harness.spec.settings import COUNT, SpecFile

_WEAK: Schema = {  # weak scaling sets the batch by the ranks, so `zip` cannot link the two
    "if": {"properties": {"scaling": {"const": "weak"}}, "required": ["scaling"]},
    "then": {"properties": {"zip": {"items": {"not": {"required": ["parallelism", "batch"]}}}}},
}


def json_schema(catalog: Catalog | None = None) -> Schema:
    """The schema of a whole file, in draft 2020-12."""
    catalog = catalog or registered()
    schema = without_titles(SpecFile.model_json_schema())
    definitions, fields = schema["$defs"], schema["properties"]
    definitions |= {axis: GRAMMARS[axis].schema(axis, catalog) for axis in AXES}
    values: Schema = {axis: {"$ref": f"#/$defs/{axis}"} for axis in AXES}
    several = {axis: value_or_list(value) for axis, value in values.items()}
    keys = {**several, **_without_defaults(definitions["Workload"]["properties"])}
    definitions["Matrix"] = _matrix(several)
    fields["matrix"] = {"$ref": "#/$defs/Matrix"}
    fields["include"]["items"] = fields["exclude"]["items"] = mapping(keys) | {"minProperties": 1}
    definitions["Expect"] = expectation(keys, catalog)
    fields["expect"]["items"] = {"$ref": "#/$defs/Expect"}
    fields["zip"]["items"] = mapping(keys) | {"minProperties": 2}
    baseline = {
        axis: value_or_list(value, 1) for axis, value in values.items() if axis != "scenario"
    }
    fields["baseline"] |= mapping({**baseline, **dict.fromkeys(WORKLOAD, value_or_list(COUNT, 1))})
    fields["prices"]["propertyNames"] = {"pattern": _hardware_pattern(catalog)}
    definitions["Quality"]["dependentRequired"] = TEXTS
    for block in ("workload", "measure", "quality", "limits"):
        del fields[block]["default"]  # each key has its own default
    for key in fields.keys() - {"matrix"}:
        fields[key] = _or_null(fields[key])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A spec of harness",
        **schema,
        "allOf": [*(_required(axis.name) for axis in AXES.values() if axis.default is None), _WEAK],
    }


def _matrix(values: Mapping[str, Schema]) -> Schema:
    """The schema of `matrix`: one or more values of each axis."""
    defaults = {name: {"default": axis.default} for name, axis in AXES.items() if axis.default}
    properties = {
        name: {"description": axis.about, **defaults.get(name, {}), **values[name]}
        for name, axis in AXES.items()
    }
    about = "What to compare: every value of an axis with every value of the others."
    return {"description": about, **mapping(properties)}


def _required(axis: str) -> Schema:
    """Requires an axis without a default to be in the matrix or in an entry of `zip`."""
    named = {"required": [axis]}
    linked = {"zip": {"type": "array", "contains": named}}
    return {
        "anyOf": [
            {"properties": {"matrix": named}},
            {"properties": linked, "required": ["zip"]},
        ]
    }


def _or_null(value: Schema) -> Schema:
    """Also allows null: a key with nothing after it counts as not given."""
    about, rest = split_annotations(value)
    return {**about, "anyOf": [rest, {"type": "null"}]}


def _hardware_pattern(catalog: Catalog) -> str:
    """Matches a hardware name, with or without options in brackets."""
    return rf"^(?:{'|'.join(map(re.escape, catalog.hardware))})(?:\(|$)"


def _without_defaults(properties: Mapping[str, Schema]) -> Schema:
    """The same without defaults: the keys of an exclude or include have none."""
    return {
        name: {key: inner for key, inner in schema.items() if key != "default"}
        for name, schema in properties.items()
    }
