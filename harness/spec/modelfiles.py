"""The files that a spec's models name: found, identified by their content, held against the model.

Of weights only the header is read here, beside the digest: what it cannot tell, the round finds.
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
from harness.spec.reader import Trail

S = TypeVar("S", bound=BaseShape)

# Options that name a file, and what they may say instead.
FILES: Mapping[str, tuple[str, ...]] = {
    "weights": ("", TRAINED),
    "corpus": ("",),
    "tokenizer": ("", BYTES),
}
_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")
_POSSIBLE = f"possible: a safetensors file in GPT-2's layout, or `{TRAINED}`"
_BYTE_VALUES = 256


def texts(given: Mapping[str, Any], context: Context) -> dict[str, str]:
    """The files of a spec's `quality`, identified as a model's are; faults where there are none."""
    named = {key: given[key] for key in ("corpus", "tokenizer") if given.get(key)}
    found = {
        key: name if name in FILES[key] else _identified(key, name, ("quality", key), context)
        for key, name in named.items()
    }
    return {key: identity for key, identity in found.items() if identity}


def resolved(shape: S, options: Placed, context: Context) -> S | None:
    """The shape with digests in the place of its files; None, and faults, where one is wrong."""
    given = {key: getattr(shape, key, "") for key in FILES}
    named = {key: name for key, name in given.items() if name not in FILES[key]}
    found = {key: _identified(key, named[key], options[key][1], context) for key in named}
    if None in found.values():
        return None
    takes_text = shape.may_know_text and given["weights"] != TRAINED and not shape.corpus
    judged = context.texts if takes_text else {}
    whole = shape.model_copy(update={**judged, **found})
    fits = _is_readable(whole, options, context)
    if "weights" in named and isinstance(whole, Shape) and isinstance(shape, Shape):
        file = Path(context.weights[whole.weights])
        fits = _fits(file, shape, options["weights"][1], context) and fits
    if not fits:
        return None
    return whole.model_copy(update={"tokenizer": ""}) if whole.tokenizer == BYTES else whole


def _identified(what: str, given: str, path: Trail, context: Context) -> str | None:
    """The file's digest, noted beside its absolute path; None, and a fault, without a file."""
    if (what, given) not in context.files:
        context.files[what, given] = _looked_up(given, context)
    found, obstacle = context.files[what, given]
    if obstacle:
        told = obstacle if what == "weights" else obstacle.replace("are ", "is ", 1)
        possible = f"; {_POSSIBLE}" if what == "weights" else ""
        context.source.fault(path, f"the {what} {clipped(repr(given))} {told}{possible}")
    return found


def _looked_up(given: str, context: Context) -> tuple[str | None, str]:
    """The file's digest, or what is in the way of reading it."""
    if _ADDRESS.match(given):
        return None, "are at an address, not on this machine: download the file and name that"
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
    """Why that is no file to read; "" if it is one."""
    with looking_up():
        try:
            mode = file.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            mode = 0
        if stat.S_ISDIR(mode):
            inside = sorted(one.name for one in file.glob("*.safetensors"))
            return f"are a folder{f' of {listed(inside, 3)}' if inside else ''}: name a file"
    if not stat.S_ISREG(mode):  # a pipe or device might have no end
        return f"are not there ({quoted(file)} is no file)"
    return ""


def _fits(file: Path, shape: Shape, path: Trail, context: Context) -> bool:
    """Whether the weights are those of such a model, which is a fault if not."""
    given = clipped(repr(shape.weights))
    try:
        header = layout.read_header(file)
        if alien := layout.foreign(header):
            context.source.fault(path, f"the weights {given} cannot be used: {alien}; {_POSSIBLE}")
            return False
        misfit = layout.misfit(header, shape) or layout.config_misfit(file, shape)
    except LayoutError as error:
        context.source.fault(path, f"the weights {given} are {error}; {_POSSIBLE}")
        return False
    if misfit:
        context.source.fault(path, f"the weights {given} are of another model: {misfit}")
    return misfit is None


def _is_readable(shape: BaseShape, options: Placed, context: Context) -> bool:
    """Whether the model's tokens are those of its text: without a tokenizer, a token is a byte."""
    trained = isinstance(shape, Shape) and shape.weights == TRAINED
    if not shape.corpus or shape.tokenizer or trained:
        return True
    if shape.vocab == _BYTE_VALUES:
        return True
    path: Trail = options["corpus"][1] if "corpus" in options else ("quality", "corpus")
    context.source.fault(
        path,
        f"without a tokenizer a token is a byte, but a model has a vocabulary of {shape.vocab}: "
        f"its bits per byte would mean nothing (possible: a tokenizer file; `tokenizer: {BYTES}` "
        f"if the model was trained on bytes; a vocab of {_BYTE_VALUES})",
    )
    return False
