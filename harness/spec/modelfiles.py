"""Finds the files that a spec's models name, digests them, and checks that they fit the model.

Of a weights file, only the header is checked here. The round that loads it checks the rest.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import clipped, listed
from harness.model import layout
from harness.model.layout import LayoutError
from harness.model.shape import BYTES, BaseShape, Shape
from harness.quality.recipe import TRAINED
from harness.spec.choices import Context
from harness.spec.files import FileError, digest, located, looking_up, quoted
from harness.spec.options import Placed
from harness.spec.reader import KeyPath

S = TypeVar("S", bound=BaseShape)

# Options that name a file, with the values that are not file names.
FILES: Mapping[str, tuple[str, ...]] = {
    "weights": ("", TRAINED),
    "corpus": ("",),
    "tokenizer": ("", BYTES),
}
_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")
_POSSIBLE = f"possible: a safetensors file in GPT-2's layout, or `{TRAINED}`"
_BYTE_VALUES = 256


def text_digests(quality: Mapping[str, Any], context: Context) -> dict[str, str]:
    """The digests of the files in a spec's `quality` block. Adds a fault for each wrong file."""
    named = {key: quality[key] for key in ("corpus", "tokenizer") if quality.get(key)}
    digests = {
        key: name if name in FILES[key] else _digest_of(key, name, ("quality", key), context)
        for key, name in named.items()
    }
    return {key: digest for key, digest in digests.items() if digest}


def with_digests(shape: S, options: Placed, context: Context) -> S | None:
    """The shape with digests instead of file names; None, and a fault, if a file is wrong."""
    given = {key: getattr(shape, key, "") for key in FILES}
    named = {key: name for key, name in given.items() if name not in FILES[key]}
    digests = {key: _digest_of(key, named[key], options[key][1], context) for key in named}
    if None in digests.values():
        return None
    uses_spec_text = shape.may_know_text and given["weights"] != TRAINED and not shape.corpus
    texts = context.texts if uses_spec_text else {}
    whole = shape.model_copy(update={**texts, **digests})
    fits = _is_readable(whole, options, context)
    if "weights" in named and isinstance(whole, Shape) and isinstance(shape, Shape):
        file = Path(context.weights[whole.weights])
        fits = _fits(file, shape, options["weights"][1], context) and fits
    if not fits:
        return None
    return whole.model_copy(update={"tokenizer": ""}) if whole.tokenizer == BYTES else whole


def _digest_of(option: str, given: str, path: KeyPath, context: Context) -> str | None:
    """The digest of the file that an option names; None, and a fault, if it cannot be read."""
    if (option, given) not in context.files:
        context.files[option, given] = _looked_up(given, context)
    found, obstacle = context.files[option, given]
    if obstacle:
        possible = f"; {_POSSIBLE}" if option == "weights" else ""
        context.source.add_fault(path, f"the {option} {clipped(repr(given))} {obstacle}{possible}")
    return found


def _looked_up(given: str, context: Context) -> tuple[str | None, str]:
    """The file's digest, or why it cannot be read. Records the file's path in the context."""
    if _ADDRESS.match(given):
        return None, "must be a file on this machine: download it, and give its path"
    folder = Path(context.source.file).parent
    try:
        file = located(given, folder)
        if obstacle := _obstacle(file):
            return None, obstacle
        found = digest(file)
    except FileError as error:
        return None, f"cannot be read ({quoted(folder / given)}: {error})"
    context.weights[found] = str(file)
    return found, ""


def _obstacle(file: Path) -> str:
    """Why this path cannot be read as a file; "" if it can."""
    with looking_up():
        try:
            mode = file.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            mode = 0
        if stat.S_ISDIR(mode):
            inside = sorted(one.name for one in file.glob("*.safetensors"))
            contents = f" (it holds {listed(inside, 3)})" if inside else ""
            return f"must be a file, not a folder{contents}"
    if not stat.S_ISREG(mode):  # a pipe or device might have no end
        return f"cannot be found ({quoted(file)} is not a file)"
    return ""


def _fits(file: Path, shape: Shape, path: KeyPath, context: Context) -> bool:
    """True if the weights file fits the model; adds a fault if it does not."""
    given = clipped(repr(shape.weights))
    try:
        header = layout.read_header(file)
        if other := layout.foreign(header):
            context.source.add_fault(
                path, f"the weights {given} cannot be used: {other}; {_POSSIBLE}"
            )
            return False
        misfit = layout.misfit(header, shape) or layout.config_misfit(file, shape)
    except LayoutError as error:
        context.source.add_fault(path, f"the weights {given} are {error}; {_POSSIBLE}")
        return False
    if misfit:
        context.source.add_fault(path, f"the weights {given} belong to another model: {misfit}")
    return misfit is None


def _is_readable(shape: BaseShape, options: Placed, context: Context) -> bool:
    """True if the model's vocabulary fits its text; adds a fault if it does not."""
    trained = isinstance(shape, Shape) and shape.weights == TRAINED
    if not shape.corpus or shape.tokenizer or trained:
        return True
    if shape.vocab == _BYTE_VALUES:
        return True
    path: KeyPath = options["corpus"][1] if "corpus" in options else ("quality", "corpus")
    context.source.add_fault(
        path,
        f"without a tokenizer a token is a byte, but a model has a vocabulary of {shape.vocab}: "
        f"its bits per byte would mean nothing (possible: a tokenizer file; `tokenizer: {BYTES}` "
        f"if the model was trained on bytes; a vocab of {_BYTE_VALUES})",
    )
    return False
