"""The JSON Schema of a spec file, so that editors complete and check it.

The keys come from schema.py, the values of the axes from what is registered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from harness.domain.cell import AXES, WORKLOAD
from harness.domain.entry import Options
from harness.model.architectures import SHAPES
from harness.model.shape import Shape
from harness.parallelism import LAUNCHER
from harness.spec.catalog import Catalog, registered
from harness.spec.choices import NONE
from harness.spec.options import list_options
from harness.spec.patterns import PATTERN
from harness.spec.schema import SpecFile

Schema: TypeAlias = dict[str, Any]

_TEXTS = {"tokenizer": ["corpus"]}  # what a text option needs beside it


def json_schema(catalog: Catalog | None = None) -> Schema:
    """Draft 2020-12, for the file as a whole."""
    catalog = catalog or registered()
    schema = _untitled(SpecFile.model_json_schema())
    definitions, fields = schema["$defs"], schema["properties"]
    definitions |= {axis: _axis(axis, catalog) for axis in AXES}
    one: Schema = {axis: {"$ref": f"#/$defs/{axis}"} for axis in AXES}
    several = {axis: _or_list(value) for axis, value in one.items()}
    counts = definitions["Workload"]["properties"]
    matrix = definitions["Matrix"]["properties"]
    for axis in AXES:
        matrix[axis] |= several[axis]
    pattern = _object({**several, **_bare(counts)}) | {"minProperties": 1}
    fields["include"]["items"] = fields["exclude"]["items"] = pattern
    baseline = {axis: _or_list(value, 1) for axis, value in one.items() if axis != "scenario"}
    count = {"type": "integer", "minimum": 1, "maximum": 10**9}
    fields["baseline"] |= _object({**baseline, **dict.fromkeys(WORKLOAD, _or_list(count, 1))})
    fields["prices"]["propertyNames"] = {"pattern": _hardware(catalog)}
    definitions["Quality"]["dependentRequired"] = _TEXTS
    for block in ("workload", "measure", "quality", "limits"):
        del fields[block]["default"]  # each key tells its own
    for key in fields.keys() - {"matrix"}:
        fields[key] = _or_nothing(fields[key])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A spec of harness",
        **schema,
    }


def _axis(axis: str, catalog: Catalog) -> Schema:
    """What one value of an axis may be."""
    if axis == "model":
        return _model(catalog)
    if axis == "precision":
        summaries = {name: one.summary for name, one in catalog.precisions.items()}
        return _names(summaries)
    if axis == "parallelism":
        return _parallelism(catalog)
    entry = _entry(axis, catalog)
    if axis == "compression":
        composition = {"type": "array", "minItems": 1, "items": entry}
        named = _object({"name": {"const": NONE}}, ["name"])
        return {"anyOf": [{"const": NONE}, named, entry, composition]}
    if axis == "operator" and PATTERN in catalog.operator:
        return {"anyOf": [*entry["anyOf"], _pattern(catalog)]}
    return entry


def _entry(axis: str, catalog: Catalog) -> Schema:
    """A registered name, or a mapping of a name and its options."""
    names = [name for name in catalog.entries(axis) if (axis, name) != ("operator", PATTERN)]
    entries = {name: catalog.entries(axis)[name] for name in names}
    key = "device" if axis == "hardware" else "name"
    mappings = [
        _object({key: {"const": name}, **_options(entry.Options)}, [key, *_needed(entry.Options)])
        | {"description": entry.summary}
        for name, entry in entries.items()
    ]
    alone = {name: one.summary for name, one in entries.items() if not _needed(one.Options)}
    return {"anyOf": [_names(alone), *mappings]}


def _pattern(catalog: Catalog) -> Schema:
    """Operators that the layers cycle through, with the options of any of them.

    Which options those in the pattern have, a schema does not tell, and that one means the same
    in all of them neither.
    """
    entries = {name: catalog.operator[name] for name in catalog.operator if name != PATTERN}
    options: Schema = {}
    for entry in entries.values():
        for key, one in _options(entry.Options).items():
            options.setdefault(key, []).append({k: v for k, v in one.items() if k != "default"})
    shared = {key: ones[0] if len(ones) == 1 else {"anyOf": ones} for key, ones in options.items()}
    names = {"type": "array", "minItems": 2, "items": {"enum": [*entries]}}
    pattern = catalog.operator[PATTERN]
    about = {"description": pattern.Options.model_fields[PATTERN].description}
    whole = {PATTERN: names | about, "name": {"const": PATTERN}, **shared}
    return _object(whole, [PATTERN]) | {"description": pattern.summary}


def _parallelism(catalog: Catalog) -> Schema:
    """`none`, or strategies with their degrees, and a launcher."""
    launcher: Schema = {"description": "what starts the ranks and all-reduces gradients"}
    strategies = {LAUNCHER: launcher | _or_list(_entry(LAUNCHER, catalog))}
    for name in catalog.parallelism:
        entry = catalog.parallelism[name]
        options = _options(entry.Options)
        whole = _object(options, _needed(entry.Options))
        bare = [options[entry.short]] if entry.short in options else []
        strategies[name] = {"description": entry.summary, "anyOf": [*bare, whole]}
    return {"anyOf": [{"const": NONE}, _object(strategies) | {"minProperties": 1}]}


def _model(catalog: Catalog) -> Schema:
    """A size's name, dimensions, or a size's name with other options; by architecture."""
    sizes = {name: size.summary for name, size in catalog.sizes.items()}
    mappings = []
    for kind in SHAPES.values():
        own = {name: sizes[name] for name in sizes if type(catalog.sizes[name].shape) is kind}
        mappings += _models_of(kind, sizes, own)
    return {"anyOf": [_names(sizes), *mappings]}


def _models_of(kind: type[Shape], sizes: Mapping[str, str], own: Mapping[str, str]) -> list[Schema]:
    """Mappings of one architecture; a decoder need not name it, nor who names a size of it."""
    known = {"architecture": {"const": kind.architecture, "description": kind.about}}
    options = {**known, **_options(kind)}
    told = [] if kind is Shape else ["architecture"]
    dimensions = _object(options, [*_needed(kind), *told])
    dimensions["dependentRequired"] = {**_TEXTS, "corpus": ["weights"]}
    any_size = _object({"name": _names(sizes), **options}, ["name", "architecture"])
    of_its_own = [_object({"name": _names(own), **options}, ["name"])] if own else []
    named = [one | {"dependentRequired": _TEXTS} for one in (any_size, *of_its_own)]
    return [dimensions, *named]


def _names(summaries: Mapping[str, str]) -> Schema:
    told = "; ".join(f"{name}: {summary}" for name, summary in summaries.items())
    return {"enum": [*summaries], "description": told}


def _options(model: type[Options]) -> Schema:
    """An entry's options; a list multiplies, where the option is itself no list."""
    lists = list_options(model)
    properties = _untitled(model.model_json_schema(ref_template="{model}"))
    found = _inlined(properties.get("properties", {}), properties.get("$defs", {}))
    return {key: one if key in lists else _or_list(one) for key, one in found.items()}


def _needed(model: type[Options]) -> list[str]:
    return [key for key, info in model.model_fields.items() if info.is_required()]


def _object(properties: Schema, required: Iterable[str] = ()) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": [*required],
    }


def _or_list(value: Schema, most: int | None = None) -> Schema:
    """One value or several, at most so many."""
    about, one = _apart(value)
    several = {"type": "array", "minItems": 1, "items": one}
    return {**about, "anyOf": [one, several if most is None else several | {"maxItems": most}]}


def _or_nothing(value: Schema) -> Schema:
    """A key with nothing after it is as good as absent."""
    about, one = _apart(value)
    return {**about, "anyOf": [one, {"type": "null"}]}


def _apart(value: Schema) -> tuple[Schema, Schema]:
    """What describes a value, which stays outside where editors look for it; and the rest."""
    about: Schema = {key: value[key] for key in ("description", "default") if key in value}
    return about, {key: inner for key, inner in value.items() if key not in about}


def _hardware(catalog: Catalog) -> str:
    """The pattern of hardware's names, with or without options in brackets."""
    return rf"^(?:{'|'.join(map(re.escape, catalog.hardware))})(?:\(|$)"


def _bare(properties: Mapping[str, Schema]) -> Schema:
    """Without defaults, which an exclude or include does not have."""
    return {
        name: {key: inner for key, inner in one.items() if key != "default"}
        for name, one in properties.items()
    }


def _untitled(schema: Any) -> Any:
    """Without the titles that pydantic makes of names: editors would show them as meaning."""
    if isinstance(schema, list):
        return [_untitled(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _untitled(one)
        for key, one in schema.items()
        if not (key == "title" and isinstance(one, str))
    }


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """With each reference (an enumeration's, say) replaced by what it points at."""
    if isinstance(schema, list):
        return [_inlined(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    target = _inlined(definitions[schema["$ref"]], definitions) if "$ref" in schema else {}
    rest = {key: _inlined(one, definitions) for key, one in schema.items() if key != "$ref"}
    return {**target, **rest}
