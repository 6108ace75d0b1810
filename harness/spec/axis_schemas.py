"""JSON Schemas of what is registered: the values of each axis, with their options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from harness.domain.axis import NONE
from harness.domain.entry import Options
from harness.model.architectures import SHAPES, FactoryShape
from harness.model.shape import Shape
from harness.parallelism import LAUNCHER
from harness.spec.catalog import Catalog
from harness.spec.options import list_options
from harness.spec.patterns import PATTERN

Schema: TypeAlias = dict[str, Any]

TEXTS = {"tokenizer": ["corpus"]}  # what a text option needs beside it


def precision(_: str, catalog: Catalog) -> Schema:
    """A number format's name."""
    return _names({name: one.summary for name, one in catalog.precisions.items()})


def compression(axis: str, catalog: Catalog) -> Schema:
    """`none`, an entry, or a list of entries."""
    one = entry(axis, catalog)
    composition = {"type": "array", "minItems": 1, "items": one}
    named = mapping({"name": {"const": NONE}}, ["name"])
    return {"anyOf": [{"const": NONE}, named, one, composition]}


def operator(axis: str, catalog: Catalog) -> Schema:
    """An entry, or a pattern of them."""
    one = entry(axis, catalog)
    if PATTERN not in catalog.operator:
        return one
    return {"anyOf": [*one["anyOf"], _pattern(catalog)]}


def entry(axis: str, catalog: Catalog) -> Schema:
    """A registered name, or a mapping of a name and its options."""
    names = [name for name in catalog.entries(axis) if (axis, name) != ("operator", PATTERN)]
    entries = {name: catalog.entries(axis)[name] for name in names}
    key = "device" if axis == "hardware" else "name"
    mappings = [
        mapping({key: {"const": name}, **_options(entry.Options)}, [key, *_needed(entry.Options)])
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
    return mapping(whole, [PATTERN]) | {"description": pattern.summary}


def parallelism(_: str, catalog: Catalog) -> Schema:
    """`none`, or strategies with their degrees, and a launcher."""
    launcher: Schema = {"description": "what starts the ranks and all-reduces gradients"}
    strategies = {LAUNCHER: launcher | or_list(entry(LAUNCHER, catalog))}
    for name in catalog.parallelism:
        strategy = catalog.parallelism[name]
        options = _options(strategy.Options)
        whole = mapping(options, _needed(strategy.Options))
        bare = [options[strategy.short]] if strategy.short in options else []
        strategies[name] = {"description": strategy.summary, "anyOf": [*bare, whole]}
    return {"anyOf": [{"const": NONE}, mapping(strategies) | {"minProperties": 1}]}


def model(_: str, catalog: Catalog) -> Schema:
    """A size's name, dimensions, or a size's name with other options; or a factory."""
    sizes = {name: size.summary for name, size in catalog.sizes.items()}
    mappings = []
    for kind in SHAPES.values():
        own = {name: sizes[name] for name in sizes if type(catalog.sizes[name].shape) is kind}
        mappings += _models_of(kind, sizes, own)
    return {"anyOf": [_names(sizes), *mappings, _factory()]}


def _factory() -> Schema:
    """A factory and its arguments: those that the harness knows of, and the function's own."""
    known = mapping(_options(FactoryShape), _needed(FactoryShape))
    scalar = {"type": ["string", "number", "boolean"]}
    described = {"description": FactoryShape.about, "dependentRequired": TEXTS}
    return {**known, **described, "additionalProperties": or_list(scalar)}


def _models_of(kind: type[Shape], sizes: Mapping[str, str], own: Mapping[str, str]) -> list[Schema]:
    """Mappings of one architecture; a decoder need not name it, nor who names a size of it."""
    known = {"architecture": {"const": kind.architecture, "description": kind.about}}
    options = {**known, **_options(kind)}
    told = [] if kind is Shape else ["architecture"]
    dimensions = mapping(options, [*_needed(kind), *told])
    dimensions["dependentRequired"] = {**TEXTS, "corpus": ["weights"]}
    any_size = mapping({"name": _names(sizes), **options}, ["name", "architecture"])
    of_its_own = [mapping({"name": _names(own), **options}, ["name"])] if own else []
    named = [one | {"dependentRequired": TEXTS} for one in (any_size, *of_its_own)]
    return [dimensions, *named]


def _names(summaries: Mapping[str, str]) -> Schema:
    told = "; ".join(f"{name}: {summary}" for name, summary in summaries.items())
    return {"enum": [*summaries], "description": told}


def _options(model: type[Options]) -> Schema:
    """An entry's options; a list multiplies, where the option is itself no list."""
    lists = list_options(model)
    properties = untitled(model.model_json_schema(ref_template="{model}"))
    found = _inlined(properties.get("properties", {}), properties.get("$defs", {}))
    return {key: one if key in lists else or_list(one) for key, one in found.items()}


def _needed(model: type[Options]) -> list[str]:
    return [key for key, info in model.model_fields.items() if info.is_required()]


def mapping(properties: Schema, required: Iterable[str] = ()) -> Schema:
    """A mapping of these keys and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": [*required],
    }


def or_list(value: Schema, most: int | None = None) -> Schema:
    """One value or several, at most so many."""
    about, one = apart(value)
    several = {"type": "array", "minItems": 1, "items": one}
    return {**about, "anyOf": [one, several if most is None else several | {"maxItems": most}]}


def apart(value: Schema) -> tuple[Schema, Schema]:
    """What describes a value, which stays outside where editors look for it; and the rest."""
    about: Schema = {key: value[key] for key in ("description", "default") if key in value}
    return about, {key: inner for key, inner in value.items() if key not in about}


def untitled(schema: Any) -> Any:
    """Without the titles that pydantic makes of names: editors would show them as meaning."""
    if isinstance(schema, list):
        return [untitled(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: untitled(one)
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
