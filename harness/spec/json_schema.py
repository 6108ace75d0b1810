"""The JSON Schema of a spec file, so that editors complete and check it.

The blocks and their keys come from settings.py, the axes from their table, and the values on them
from what is registered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.domain.axis import AXES
from harness.domain.cell import WORKLOAD
from harness.spec.axis_grammars import GRAMMARS
from harness.spec.axis_schemas import TEXTS, Schema, apart, mapping, or_list, untitled
from harness.spec.catalog import Catalog, registered
from harness.spec.settings import COUNT, SpecFile

_WEAK: Schema = {  # has batch follow parallelism, which `zip` then cannot
    "if": {"properties": {"scaling": {"const": "weak"}}, "required": ["scaling"]},
    "then": {"properties": {"zip": {"items": {"not": {"required": ["parallelism", "batch"]}}}}},
}


def json_schema(catalog: Catalog | None = None) -> Schema:
    """Draft 2020-12, for the file as a whole."""
    catalog = catalog or registered()
    schema = untitled(SpecFile.model_json_schema())
    definitions, fields = schema["$defs"], schema["properties"]
    definitions |= {axis: GRAMMARS[axis].schema(axis, catalog) for axis in AXES}
    one: Schema = {axis: {"$ref": f"#/$defs/{axis}"} for axis in AXES}
    several = {axis: or_list(value) for axis, value in one.items()}
    keys = {**several, **_bare(definitions["Workload"]["properties"])}
    definitions["Matrix"] = _matrix(several)
    fields["matrix"] = {"$ref": "#/$defs/Matrix"}
    fields["include"]["items"] = fields["exclude"]["items"] = mapping(keys) | {"minProperties": 1}
    fields["zip"]["items"] = mapping(keys) | {"minProperties": 2}
    baseline = {axis: or_list(value, 1) for axis, value in one.items() if axis != "scenario"}
    fields["baseline"] |= mapping({**baseline, **dict.fromkeys(WORKLOAD, or_list(COUNT, 1))})
    fields["prices"]["propertyNames"] = {"pattern": _hardware(catalog)}
    definitions["Quality"]["dependentRequired"] = TEXTS
    for block in ("workload", "measure", "quality", "limits"):
        del fields[block]["default"]  # each key tells its own
    for key in fields.keys() - {"matrix"}:
        fields[key] = _or_nothing(fields[key])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A spec of harness",
        **schema,
        "allOf": [*(_given(axis.name) for axis in AXES.values() if axis.default is None), _WEAK],
    }


def _matrix(values: Mapping[str, Schema]) -> Schema:
    """What to compare: a value or several on each axis."""
    defaults = {name: {"default": axis.default} for name, axis in AXES.items() if axis.default}
    properties = {
        name: {"description": axis.about, **defaults.get(name, {}), **values[name]}
        for name, axis in AXES.items()
    }
    about = "What to compare: every value of an axis with every value of the others."
    return {"description": about, **mapping(properties)}


def _given(axis: str) -> Schema:
    """An axis without a default stands in the matrix, or in an entry of `zip`."""
    named = {"required": [axis]}
    linked = {"zip": {"type": "array", "contains": named}}
    return {
        "anyOf": [
            {"properties": {"matrix": named}},
            {"properties": linked, "required": ["zip"]},
        ]
    }


def _or_nothing(value: Schema) -> Schema:
    """A key with nothing after it is as good as absent."""
    about, one = apart(value)
    return {**about, "anyOf": [one, {"type": "null"}]}


def _hardware(catalog: Catalog) -> str:
    """The pattern of hardware's names, with or without options in brackets."""
    return rf"^(?:{'|'.join(map(re.escape, catalog.hardware))})(?:\(|$)"


def _bare(properties: Mapping[str, Schema]) -> Schema:
    """Without defaults, which an exclude or include does not have."""
    return {
        name: {key: inner for key, inner in one.items() if key != "default"}
        for name, one in properties.items()
    }
