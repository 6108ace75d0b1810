"""Checks the header of a safetensors file against GPT-2's layout, without torch, in bounded memory.

A safetensors file consists of 8 bytes (the header's length, little-endian), the header (JSON: each
tensor's format, shape and offsets) and the tensors. The layout is Hugging Face's GPT2LMHeadModel:
names as below, optionally with the prefix `transformer.`. Its Conv1D stores weights as [in, out];
all shapes in this module are [out, in], as in torch's Linear.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from harness.errors import HarnessError, clipped, listed
from harness.model.shape import Shape

HEAD = "lm_head.weight"  # some files hold it even though it is tied to wte.weight
FORMATS = ("F64", "F32", "F16", "BF16")  # formats that can be cast to the model's precision
CONFIG = "config.json"  # Hugging Face writes it next to the weights
_MASKS = (".attn.bias", ".attn.masked_bias")  # buffers in old files
_TRANSPOSED = (".c_attn.weight", ".c_proj.weight", ".c_fc.weight")
_MAX_HEADER = 16 * 2**20  # bytes: ten times the header of a model with 1,000 layers
_MAX_CONFIG = 2**20
_KINDS = (
    (b"GGUF", "a GGUF file (llama.cpp's format)"),
    (b"PK\x03\x04", "a zip archive, as torch.save writes; a pickle in it could run any code"),
    (b"\x80", "a pickle, which could run any code when it is read"),
    (b"\x89HDF", "an HDF5 file"),
    (b"{", "a JSON file; a model that is split over several files must be merged first"),
    (b"version https://git-lfs", "a Git LFS pointer: the file itself was not downloaded"),
)
_CONFIG_KEYS = {
    "n_head": "heads",
    "n_layer": "layers",
    "n_embd": "d_model",
    "vocab_size": "vocab",
    "n_positions": "context",
}
# The values of config.json that this package's Transformer implements.
_IMPLEMENTED: Mapping[str, tuple[object, ...]] = {
    "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
    "layer_norm_epsilon": (1e-5,),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
}

Sizes: TypeAlias = Mapping[str, tuple[int | None, ...]]  # [out, in] by name; None means any size


class LayoutError(HarnessError):
    """The file holds no readable weights; the message says what it is instead."""


@dataclass(frozen=True)
class TensorInfo:
    """The header's description of a tensor."""

    format: str
    shape: tuple[int, ...]  # [out, in] for a Linear layer


Header: TypeAlias = Mapping[str, TensorInfo]  # by name without `transformer.`; no masks


def read_header(path: Path) -> Header:
    """The tensors of a file. Raises LayoutError, which says what else the file is."""
    try:
        with path.open("rb") as file:
            start = file.read(8)
            length = int.from_bytes(start, "little")
            text = file.read(length) if 2 <= length <= _MAX_HEADER else b""
    except OSError as error:
        raise LayoutError(f"unreadable: {error.strerror or error}") from error
    if not text.startswith(b"{"):
        raise LayoutError(_kind(path))
    try:
        entries = json.loads(text)
        entries.pop("__metadata__", None)
        tensors = {bare(name): _tensor_info(name, one) for name, one in entries.items()}
        end = max((int(one["data_offsets"][1]) for one in entries.values()), default=0)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise LayoutError("a safetensors file with a damaged header") from error
    if (missing := 8 + length + end - path.stat().st_size) > 0:
        raise LayoutError(f"a safetensors file cut short: its last {missing:,} bytes are missing")
    return {name: one for name, one in tensors.items() if not is_mask(name)}


def bare(name: str) -> str:
    """The name without the prefix of Hugging Face's model."""
    return name.removeprefix("transformer.")


def is_mask(name: str) -> bool:
    """True if the tensor is a constant mask, not a weight."""
    return name.endswith(_MASKS)


def foreign(header: Header) -> str | None:
    """Why the file has no GPT-2 layout in floating point; None if it has one."""
    for name, one in header.items():
        if one.format not in FORMATS:
            possible = ", ".join(FORMATS)
            return f"{clipped(name)} has the format {clipped(one.format)} (possible: {possible})"
    if "wte.weight" in header:
        return None
    names = ", ".join(clipped(name) for name in sorted(header)[:3])
    if any(name.startswith("model.layers.") for name in header):
        return f"it has the layout of Llama-like models ({names}, ...)"
    return f"it has another layout ({names}, ...)" if header else "it holds no tensors"


def misfit(header: Header, shape: Shape) -> str | None:
    """How the file differs from a model of this shape, from the header alone; None if it does not.

    The header does not contain the number of heads: `config_misfit` checks it. The width of c_attn
    depends on the operator, so it is checked when the model is built.
    """
    found = _dimensions(header)
    expected = {key: shape.width if key == "d_ff" else getattr(shape, key) for key in found}
    wrong = [key for key in found if found[key] != expected[key]]
    if wrong:
        return ", ".join(
            f"{key} {clipped(str(found[key]))} (the spec's: {expected[key]})" for key in wrong
        )
    if shape.tied and HEAD in header:
        header = {name: one for name, one in header.items() if name != HEAD}
    return differences(header, dict(_expected(shape)))


def differences(header: Header, expected: Sizes) -> str | None:
    """The tensors that are missing, unexpected or of another shape; None if there are none."""
    missing = sorted(expected.keys() - header.keys())
    unexpected = sorted(header.keys() - expected.keys())
    if missing or unexpected:
        return f"missing {_some(missing)}; unexpected {_some(unexpected)}"
    for name, sizes in expected.items():
        found = header[name].shape
        if len(found) != len(sizes) or any(
            size not in {None, actual} for size, actual in zip(sizes, found, strict=True)
        ):
            text = ", ".join("any" if size is None else str(size) for size in sizes)
            return (
                f"{name} has shape {clipped(str(list(found)))}; the model's is [{text}] "
                f"(Linear weights as [out, in])"
            )
    return None


def config_misfit(path: Path, shape: Shape) -> str | None:
    """How the config.json next to the file differs from the model; None if it does not.

    Raises LayoutError if the config.json cannot be read.
    """
    config = _config(path)
    for key, field in _CONFIG_KEYS.items():
        if (expected := getattr(shape, field)) != config.get(key, expected):
            found = f"the {CONFIG} next to it has {key} {clipped(repr(config[key]))}"
            return f"{found}; the spec's model has {field} {expected}"
    for key, possible in _IMPLEMENTED.items():
        if config.get(key, possible[0]) not in possible:
            found = clipped(repr(config[key]))
            return f"the {CONFIG} next to it has {key} {found}; possible: {possible[0]!r}"
    return None


def assumption(path: Path, shape: Shape) -> str | None:
    """The note that the number of heads comes from the spec alone; None if config.json gives it."""
    if "n_head" in _config(path):
        return None
    return (
        f"{shape.heads} heads are assumed, as in the spec: neither {path.name} nor a "
        f"{CONFIG} next to it gives the number"
    )


def _config(path: Path) -> Mapping[str, Any]:
    """The config.json next to the file; empty if there is none."""
    config = path.with_name(CONFIG)
    try:
        with config.open("rb") as file:
            found = json.loads(file.read(_MAX_CONFIG))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise LayoutError(f"next to a {CONFIG} that cannot be read") from error
    return found if isinstance(found, dict) else {}


def _kind(path: Path) -> str:
    """What a file is, from its first bytes, if it is not a safetensors file."""
    with path.open("rb") as file:
        start = file.read(32)
    kinds = (kind for magic, kind in _KINDS if start.startswith(magic))
    return next(kinds, "not a safetensors file" if start else "an empty file")


def _tensor_info(name: str, entry: Any) -> TensorInfo:
    shape = tuple(map(int, entry["shape"]))
    transposed = name.endswith(_TRANSPOSED)
    return TensorInfo(str(entry["dtype"]), shape[::-1] if transposed else shape)


def _dimensions(header: Header) -> dict[str, int]:
    """The dimensions of the model that the shapes of the main tensors give."""
    sizes = {
        "vocab": ("wte.weight", 0),
        "context": ("wpe.weight", 0),
        "d_model": ("wte.weight", 1),
        "d_ff": ("h.0.mlp.c_fc.weight", 0),
    }
    found = {
        key: header[name].shape[axis]
        for key, (name, axis) in sizes.items()
        if name in header and len(header[name].shape) == 2
    }
    layers = {int(part) for name in header if (part := _layer(name)).isdecimal()}
    return {**found, **({"layers": max(layers) + 1} if layers else {})}


def _layer(name: str) -> str:
    return name.split(".")[1][:9] if name.startswith("h.") and name.count(".") > 1 else ""


def _expected(shape: Shape) -> Iterator[tuple[str, tuple[int | None, ...]]]:
    width, hidden = shape.d_model, shape.width
    yield "wte.weight", (shape.vocab, width)
    yield "wpe.weight", (shape.context, width)
    yield from _affine("ln_f", (width,), width)
    if not shape.tied:
        yield HEAD, (shape.vocab, width)
    for layer in range(shape.layers):
        name = f"h.{layer}"
        yield from _affine(f"{name}.ln_1", (width,), width)
        yield from _affine(f"{name}.attn.c_attn", (None, width), None)
        yield from _affine(f"{name}.attn.c_proj", (width, width), width)
        yield from _affine(f"{name}.ln_2", (width,), width)
        yield from _affine(f"{name}.mlp.c_fc", (hidden, width), hidden)
        yield from _affine(f"{name}.mlp.c_proj", (width, hidden), width)


def _affine(
    name: str, weight: tuple[int | None, ...], bias: int | None
) -> Iterator[tuple[str, tuple[int | None, ...]]]:
    yield f"{name}.weight", weight
    yield f"{name}.bias", (bias,)


def _some(names: list[str]) -> str:
    return listed(names, 5) or "nothing"
