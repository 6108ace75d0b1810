"""The model axis: named sizes, dimensions of one's own, and weights from a file."""

from __future__ import annotations

import hashlib
import pathlib
from typing import Any

from harness.domain.cell import Choice
from harness.errors import unknown
from harness.model.shape import Shape
from harness.spec.choices import Context, name_and_options
from harness.spec.faults import shown
from harness.spec.options import Placed, combinations, list_options, placed, validated
from harness.spec.reader import Trail

_WIDTHS = {"layers", "d_model", "heads", "d_ff"}  # what makes a size that size


def models(_: str, found: Any, path: Trail, context: Context) -> list[Choice]:
    """`gpt3-small`, `{layers: 6, d_model: 384, heads: 6}`, `{name: gpt3-small, context: 512}`."""
    if not isinstance(found, str | dict):
        message = f"model should be a size or a mapping of dimensions, found {shown(found)}"
        context.source.fault(path, message)
        return []
    if isinstance(found, dict) and "name" not in found:
        return _decoders(placed(found, path), path, context, keys=("name",))
    name, options = name_and_options("model", found, path, context.source, "name")
    if name is None:
        return []
    sizes = context.catalog.sizes
    if name not in sizes:
        at = (*path, "name") if isinstance(found, dict) else path
        context.source.fault(at, unknown("model", name, sizes))
        return []
    dimensions = placed(sizes[name].shape.model_dump(exclude_defaults=True), path)
    return _decoders({**dimensions, **options}, path, context, keys=("name",))


def _decoders(
    options: Placed, path: Trail, context: Context, keys: tuple[str, ...]
) -> list[Choice]:
    made = [
        (validated(Shape, combination, path, context.source, keys), combination)
        for combination in combinations(list_options(Shape), options, path, context.source)
    ]
    return [
        choice
        for shape, combination in made
        if shape is not None and (choice := _decoder(shape, combination, context))
    ]


def _decoder(shape: Shape, options: Placed, context: Context) -> Choice | None:
    """The choice of a model; its weights are identified by their content, not by their path."""
    label = model_label(shape, context)
    if shape.weights:
        digest = _weights(shape.weights, options["weights"][1], context)
        if digest is None:
            return None
        shape = shape.model_copy(update={"weights": digest})
    return Choice("decoder", shape.canonical(), label)


def model_label(shape: Shape, context: Context) -> str:
    """The size's name, else the dimensions; in brackets what else differs from the defaults.

    For example `gpt3-small(context=512)`, `6L-384d-6h(weights=tiny.safetensors)`.
    """
    sizes = context.catalog.sizes
    differences = {name: _differ(shape, known.shape) for name, known in sizes.items()}
    same = [name for name, differ in differences.items() if not differ.keys() & _WIDTHS]
    if same:
        label = min(same, key=lambda name: len(differences[name]))
        rest = differences[label]
    else:
        label = f"{shape.layers}L-{shape.d_model}d-{shape.heads}h"
        plain = Shape(layers=shape.layers, d_model=shape.d_model, heads=shape.heads)
        rest = _differ(shape, plain)
    if "weights" in rest:
        rest["weights"] = pathlib.Path(shape.weights).name
    inner = ", ".join(f"{key}={value}" for key, value in rest.items())
    return f"{label}({inner})" if inner else label


def _differ(shape: Shape, base: Shape) -> dict[str, Any]:
    """The options of `shape` that are not those of `base`, in the order of the fields."""
    ours, theirs = shape.model_dump(), base.model_dump()
    return {key: value for key, value in ours.items() if value != theirs[key]}


def _weights(given: str, path: Trail, context: Context) -> str | None:
    """The first 16 hexadecimal digits of the file's SHA-256, noted beside its absolute path."""
    file = (pathlib.Path(context.source.file).parent / given).resolve()
    if not file.is_file():  # nor a pipe or device, which might have no end
        context.source.fault(path, f"the weights {given!r} are not there ({file} is no file)")
        return None
    try:
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()[:16]
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        context.source.fault(path, f"the weights {given!r} cannot be read ({file}: {reason})")
        return None
    context.weights[digest] = str(file)
    return digest
