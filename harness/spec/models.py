"""Reads the model axis: named sizes, dimensions, architectures, weights files, factories."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

from harness.domain.cell import FACTORY, Choice
from harness.errors import unknown
from harness.model.architectures import SHAPES, FactoryShape
from harness.model.shape import BaseShape, Shape
from harness.spec.choices import Context, name_and_options
from harness.spec.factories import obstacle
from harness.spec.faults import shown
from harness.spec.modelfiles import FILES, with_digests
from harness.spec.options import Placed, combinations, list_options, placed, validated
from harness.spec.reader import KeyPath

# The dimensions that define a named size. For architectures other than the decoder, `context` and
# `decoder_layers` do too.
_WIDTHS = {"layers", "d_model", "heads", "d_ff"}
_KEYS = ("name", "architecture")  # possible beside the options


def read_models(_: str, found: Any, path: KeyPath, context: Context) -> list[Choice]:
    """Reads a size, dimensions, a size with other options, or a factory.

    For example `gpt3-small`, `{layers: 6, d_model: 384, heads: 6}`,
    `{name: gpt3-small, context: 512}`, `{factory: "package.module:function", vocab: 256}`.

    A mapping may name an architecture, unless it names a factory. The default is the architecture
    of its size; without a size, `decoder`.
    """
    if not isinstance(found, str | dict):
        message = f"model should be a size or a mapping of dimensions, found {shown(found)}"
        context.source.add_fault(path, message)
        return []
    if isinstance(found, dict) and FACTORY in found:
        return _factories(found, path, context)
    if isinstance(found, dict) and "name" not in found:
        kind = _kind(found, Shape, path, context)
        return _choices(kind, _options(found, path), path, context) if kind else []
    name, _given = name_and_options("model", found, path, context.source, "name")
    if name is None:
        return []
    sizes = context.catalog.sizes
    if name not in sizes:
        at = (*path, "name") if isinstance(found, dict) else path
        context.source.add_fault(at, unknown("model", name, sizes))
        return []
    given = found if isinstance(found, dict) else {}
    size = sizes[name].shape
    kind = _kind(given, type(size), path, context)
    if kind is None:
        return []
    dimensions = {
        key: value
        for key, value in size.model_dump(exclude_defaults=True).items()
        if key in kind.model_fields
    }
    return _choices(kind, {**placed(dimensions, path), **_options(given, path)}, path, context)


def _factories(found: Mapping[str, Any], path: KeyPath, context: Context) -> list[Choice]:
    """Reads a factory and the options of its function, in which lists multiply too."""
    made = []
    for combination in combinations((), placed(found, path), path, context.source):
        shape = validated(FactoryShape, combination, path, context.source)
        if shape is None:
            continue
        if (reason := obstacle(shape, context.sources)) is not None:
            context.source.add_fault(combination[FACTORY][1], reason)
        elif (whole := with_digests(shape, combination, context)) is not None:
            made.append(Choice(FACTORY, whole.canonical(), _factory_label(shape)))
    return made


def _factory_label(shape: FactoryShape) -> str:
    """For example `my_models:tiny(vocab=256, width=64)`."""
    given = {**shape.model_dump(exclude_defaults=True, exclude={FACTORY}), **_file_names(shape)}
    inner = ", ".join(f"{key}={value}" for key, value in given.items())
    return f"{shape.factory}({inner})" if inner else shape.factory


def _file_names(shape: BaseShape) -> dict[str, str]:
    """The names of a shape's files, without their folders."""
    named = {key: getattr(shape, key, "") for key in FILES}
    return {key: pathlib.Path(name).name for key, name in named.items() if name}


def _kind(
    found: Mapping[str, Any], default: type[Shape], path: KeyPath, context: Context
) -> type[Shape] | None:
    """The architecture that a mapping names; None, and a fault, if there is no such one."""
    if "architecture" not in found:
        return default
    name, at = found["architecture"], (*path, "architecture")
    if not isinstance(name, str):
        context.source.add_fault(at, f"architecture should be a name, found {shown(name)}")
        return None
    if name not in SHAPES:
        context.source.add_fault(at, unknown("architecture", name, SHAPES))
        return None
    return SHAPES[name]


def _options(found: Mapping[str, Any], path: KeyPath) -> Placed:
    return placed({key: value for key, value in found.items() if key not in _KEYS}, path)


def _choices(kind: type[Shape], options: Placed, path: KeyPath, context: Context) -> list[Choice]:
    own = {key: one for key, one in options.items() if not _foreign(key, kind, one[1], context)}
    made = [
        (validated(kind, combination, path, context.source, _KEYS), combination)
        for combination in combinations(list_options(kind), own, path, context.source)
    ]
    return [
        choice
        for shape, combination in made
        if shape is not None and (choice := _choice(shape, combination, context))
    ]


def _foreign(key: str, kind: type[Shape], path: KeyPath, context: Context) -> bool:
    """True if the option belongs to another architecture; adds a fault."""
    owners = [name for name, other in SHAPES.items() if key in other.model_fields]
    if key in kind.model_fields or not owners:
        return False
    message = f"{key} is an option of {' and '.join(owners)}; this model's architecture is"
    context.source.add_fault(path, f"{message} {kind.architecture}", key=True)
    return True


def _choice(shape: Shape, options: Placed, context: Context) -> Choice | None:
    """The choice of a model, in which the digests of its files replace their names."""
    whole = with_digests(shape, options, context)
    label = model_label(shape, context)
    return Choice(whole.architecture, whole.canonical(), label) if whole else None


def model_label(shape: Shape, context: Context) -> str:
    """The size's name or the dimensions, and in brackets the other options that are not defaults.

    For example `gpt3-small(context=512)`, `6L-384d-6h(weights=tiny.safetensors)`,
    `encoder 6L-384d-6h`.
    """
    sizes = context.catalog.sizes
    kind = type(shape)
    fixed = _WIDTHS if kind is Shape else _WIDTHS | {"decoder_layers", "context"}
    differences = {
        name: _differences(shape, known.shape)
        for name, known in sizes.items()
        if type(known.shape) is kind
    }
    same = [name for name, differ in differences.items() if not differ.keys() & fixed]
    if same:
        label = min(same, key=lambda name: len(differences[name]))
        rest = differences[label]
    else:
        label = shape.size if kind is Shape else f"{shape.architecture} {shape.size}"
        shown = {"layers", "d_model", "heads", "decoder_layers"}
        rest = _differences(shape, kind(**shape.model_dump(include=shown)))
    rest |= {key: name for key, name in _file_names(shape).items() if key in rest}
    inner = ", ".join(f"{key}={value}" for key, value in rest.items())
    return f"{label}({inner})" if inner else label


def _differences(shape: Shape, base: Shape) -> dict[str, Any]:
    """The options in which `shape` differs from `base`, in the order of the fields."""
    ours, theirs = shape.model_dump(), base.model_dump()
    return {key: value for key, value in ours.items() if value != theirs[key]}
