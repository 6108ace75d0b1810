"""JSON Schemas of the values of each axis: the registered entries and their options."""

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

TEXTS = {"tokenizer": ["corpus"]}  # an option of the text -> the options that it requires


def precision(_: str, catalog: Catalog) -> Schema:
    """The name of a number format."""
    return _names({name: one.summary for name, one in catalog.precisions.items()})


def compression(axis: str, catalog: Catalog) -> Schema:
    """`none`, an entry, or a list of entries."""
    single = entry(axis, catalog)
    composition = {"type": "array", "minItems": 1, "items": single}
    named = mapping({"name": {"const": NONE}}, ["name"])
    return {"anyOf": [{"const": NONE}, named, single, composition]}


def operator(axis: str, catalog: Catalog) -> Schema:
    """An entry, or a pattern of entries."""
    single = entry(axis, catalog)
    if PATTERN not in catalog.operator:
        return single
    return {"anyOf": [*single["anyOf"], _pattern(catalog)]}


def entry(axis: str, catalog: Catalog) -> Schema:
    """A registered name, or a mapping of a name and options."""
    names = [name for name in catalog.entries(axis) if (axis, name) != ("operator", PATTERN)]
    entries = {name: catalog.entries(axis)[name] for name in names}
    key = "device" if axis == "hardware" else "name"
    mappings = [
        mapping({key: {"const": name}, **_options(entry.Options)}, [key, *_required(entry.Options)])
        | {"description": entry.summary}
        for name, entry in entries.items()
    ]
    alone = {name: one.summary for name, one in entries.items() if not _required(one.Options)}
    return {"anyOf": [_names(alone), *mappings]}


def _pattern(catalog: Catalog) -> Schema:
    """A list of operators that the layers cycle through, with the options of any operator.

    The schema cannot restrict the options to those of the operators in the pattern, nor require
    that an option is valid for all of them. Reading the spec checks both.
    """
    entries = {name: catalog.operator[name] for name in catalog.operator if name != PATTERN}
    options: Schema = {}
    for entry in entries.values():
        for key, schema in _options(entry.Options).items():
            options.setdefault(key, []).append({k: v for k, v in schema.items() if k != "default"})
    shared = {
        key: schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
        for key, schemas in options.items()
    }
    names = {"type": "array", "minItems": 2, "items": {"enum": [*entries]}}
    pattern = catalog.operator[PATTERN]
    about = {"description": pattern.Options.model_fields[PATTERN].description}
    whole = {PATTERN: names | about, "name": {"const": PATTERN}, **shared}
    return mapping(whole, [PATTERN]) | {"description": pattern.summary}


def parallelism(_: str, catalog: Catalog) -> Schema:
    """`none`, or strategies with their degrees and a launcher."""
    launcher: Schema = {"description": "starts the ranks and all-reduces gradients"}
    strategies = {LAUNCHER: launcher | value_or_list(entry(LAUNCHER, catalog))}
    for name in catalog.parallelism:
        strategy = catalog.parallelism[name]
        options = _options(strategy.Options)
        whole = mapping(options, _required(strategy.Options))
        bare = [options[strategy.short]] if strategy.short in options else []
        strategies[name] = {"description": strategy.summary, "anyOf": [*bare, whole]}
    return {"anyOf": [{"const": NONE}, mapping(strategies) | {"minProperties": 1}]}


def model(_: str, catalog: Catalog) -> Schema:
    """A size's name, dimensions, a size's name with other options, or a factory."""
    sizes = {name: size.summary for name, size in catalog.sizes.items()}
    mappings = []
    for kind in SHAPES.values():
        own = {name: sizes[name] for name in sizes if type(catalog.sizes[name].shape) is kind}
        mappings += _models_of(kind, sizes, own)
    return {"anyOf": [_names(sizes), *mappings, _factory()]}


def _factory() -> Schema:
    """A factory with the options that the harness knows, and any options of its function."""
    known = mapping(_options(FactoryShape), _required(FactoryShape))
    scalar = {"type": ["string", "number", "boolean"]}
    described = {"description": FactoryShape.about, "dependentRequired": TEXTS}
    return {**known, **described, "additionalProperties": value_or_list(scalar)}


def _models_of(kind: type[Shape], sizes: Mapping[str, str], own: Mapping[str, str]) -> list[Schema]:
    """Mappings of one architecture. Decoders and named sizes may leave the architecture out."""
    known = {"architecture": {"const": kind.architecture, "description": kind.about}}
    options = {**known, **_options(kind)}
    explicit = [] if kind is Shape else ["architecture"]
    dimensions = mapping(options, [*_required(kind), *explicit])
    dimensions["dependentRequired"] = {**TEXTS, "corpus": ["weights"]}
    any_size = mapping({"name": _names(sizes), **options}, ["name", "architecture"])
    of_its_own = [mapping({"name": _names(own), **options}, ["name"])] if own else []
    named = [one | {"dependentRequired": TEXTS} for one in (any_size, *of_its_own)]
    return [dimensions, *named]


def _names(summaries: Mapping[str, str]) -> Schema:
    described = "; ".join(f"{name}: {summary}" for name, summary in summaries.items())
    return {"enum": [*summaries], "description": described}


def _options(model: type[Options]) -> Schema:
    """An entry's options, each a value or a list of values, unless the option is itself a list."""
    lists = list_options(model)
    properties = without_titles(model.model_json_schema(ref_template="{model}"))
    found = _inlined(properties.get("properties", {}), properties.get("$defs", {}))
    return {key: one if key in lists else value_or_list(one) for key, one in found.items()}


def _required(model: type[Options]) -> list[str]:
    return [key for key, info in model.model_fields.items() if info.is_required()]


def mapping(properties: Schema, required: Iterable[str] = ()) -> Schema:
    """A mapping of these keys and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": [*required],
    }


def value_or_list(value: Schema, most: int | None = None) -> Schema:
    """A value, or a list of one to `most` values."""
    about, rest = split_annotations(value)
    several = {"type": "array", "minItems": 1, "items": rest}
    return {**about, "anyOf": [rest, several if most is None else several | {"maxItems": most}]}


def split_annotations(value: Schema) -> tuple[Schema, Schema]:
    """Splits a schema into its description and default, and the rest.

    Editors look for the former beside an `anyOf`, not inside it.
    """
    about: Schema = {key: value[key] for key in ("description", "default") if key in value}
    return about, {key: inner for key, inner in value.items() if key not in about}


def without_titles(schema: Any) -> Any:
    """The schema without pydantic's titles: they repeat the names, and editors would show them."""
    if isinstance(schema, list):
        return [without_titles(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: without_titles(one)
        for key, one in schema.items()
        if not (key == "title" and isinstance(one, str))
    }


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """The schema with each reference, such as that of an enumeration, replaced by its target."""
    if isinstance(schema, list):
        return [_inlined(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    target = _inlined(definitions[schema["$ref"]], definitions) if "$ref" in schema else {}
    rest = {key: _inlined(one, definitions) for key, one in schema.items() if key != "$ref"}
    return {**target, **rest}
