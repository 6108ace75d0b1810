"""A model as it stands, compressed or not, in one safetensors file, and back.

The file holds each tensor once, and as metadata the layout: which blocks stand where (one may
stand at several places), what kind each Linear layer is of, what each attention has left. Tensors
that are mostly zeros are kept as one bit a number and the numbers that are not zero. Nothing is
ever unpickled; what does not fit, or is not what was written, is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from harness.domain.cell import Choice
from harness.errors import HarnessError
from harness.model.architectures import FactoryShape, shape_of
from harness.model.attention import Attention
from harness.model.build import blank
from harness.model.language import LanguageModel
from harness.model.mixer import MixerFactory
from harness.model.packed import ComposedLinear, LayerKind, PackedLinear, put
from harness.model.shape import BaseShape, Shape
from harness.model.tensors import Decoded, encoded
from harness.model.transformer import Block, Transformer, listed

_VERSION = 1
_PLAIN = "linear"  # the kind of torch's own
Kinds: TypeAlias = Mapping[str, LayerKind]


class ArtifactError(HarnessError):
    """A model's file cannot be read, was changed, or does not fit."""


def save(model: LanguageModel, path: Path) -> int:
    """Write the model; the file's bytes. The file is whole or not there at all."""
    tensors = dict(encoded(_tensors(model)))
    layout = _layout(model)
    layout["shapes"] = {name: list(tensor.shape) for name, tensor in _tensors(model)}
    layout["shared"] = _shared(model)
    layout["digest"] = _digest(layout, tensors, tensors.__getitem__)
    partial = path.with_suffix(".partial")
    save_file(tensors, partial, metadata={"harness": json.dumps(layout)})
    partial.replace(path)
    return path.stat().st_size


def load(
    path: Path,
    factory: MixerFactory,
    device: torch.device,
    unmasked: MixerFactory | None = None,
    layers: Iterable[LayerKind] = (),
) -> Transformer:
    """A built-in model, in eval mode; ArtifactError where the file is not what `save` wrote.

    `layers` are those that it may hold beside torch's own: those of its compressions. It trusts
    the tensors that it reads; `verify` checks them.
    """

    def skeleton(shape: BaseShape) -> Transformer:
        if not isinstance(shape, Shape):
            raise TypeError(f"a {shape.architecture} is no built-in model")
        return blank(shape, factory, unmasked, device)

    return _load(path, skeleton, device, layers)


def load_of_factory(
    path: Path, device: torch.device, dtype: torch.dtype, layers: Iterable[LayerKind] = ()
) -> LanguageModel:
    """The same of a factory's model: the factory builds it, and the file's tensors go into it."""

    def skeleton(shape: BaseShape) -> LanguageModel:
        from harness.model.factory import built

        if not isinstance(shape, FactoryShape):
            raise TypeError(f"no factory builds a {shape.architecture}")
        return built(shape, device, dtype)

    return _load(path, skeleton, device, layers)


M = TypeVar("M", bound=LanguageModel)


def _load(
    path: Path,
    skeleton: Callable[[BaseShape], M],
    device: torch.device,
    layers: Iterable[LayerKind],
) -> M:
    with _opened(path) as (layout, file):
        found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    try:
        options = tuple(layout["shape"].items())
        model = skeleton(shape_of(Choice(layout["architecture"], options)))
        kinds = {layer.kind: layer for layer in layers}
        _arrange_blocks(model, layout)
        places = _Places(model)
        _arrange_linears(places, layout, kinds)
        _fill(places, layout, Decoded(found, layout["shapes"], device), kinds)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtifactError(f"{path} does not hold the model it tells of: {error}") from error
    return model.eval()


def verify(path: Path) -> None:
    """ArtifactError where the file is not, to the bit, what `save` wrote.

    Reads all of it, a tensor at a time.
    """
    with _opened(path) as (layout, file):
        told = layout.pop("digest", "")
        digest = _digest(layout, file.keys(), file.get_tensor)
    if digest != told:
        raise ArtifactError(f"{path} was changed since it was written: its digest differs")


@contextmanager
def _opened(path: Path) -> Iterator[tuple[dict[str, Any], Any]]:
    """The layout, and the open file; ArtifactError where it is none of ours."""
    try:
        with safe_open(path, framework="pt") as file:
            yield _layout_of(path, file.metadata()), file
    except (OSError, SafetensorError) as error:
        raise ArtifactError(f"{path} is no whole safetensors file: {error}") from error


def _layout_of(path: Path, metadata: Mapping[str, str] | None) -> dict[str, Any]:
    try:
        layout: dict[str, Any] = json.loads((metadata or {}).get("harness", ""))
        version = layout["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path} holds no model of this program") from error
    if version != _VERSION:
        raise ArtifactError(f"{path} is of version {version}; this program reads {_VERSION}")
    return layout


def _digest(
    layout: Mapping[str, Any], names: Iterable[str], tensor: Callable[[str], torch.Tensor]
) -> str:
    total = hashlib.sha256(json.dumps(layout, sort_keys=True).encode())
    for name in sorted(names):
        total.update(name.encode())
        total.update(tensor(name).contiguous().flatten().view(torch.uint8).numpy().data)
    return total.hexdigest()


def _layout(model: LanguageModel) -> dict[str, Any]:
    linears, attention = {}, {}
    for path, module in model.named_modules():
        if isinstance(module, PackedLinear):
            linears[path] = {"kind": module.kind, **module.settings()}
        elif isinstance(module, ComposedLinear):
            linears[path] = {"kind": module.kind}
        elif isinstance(module, nn.Linear):
            bias = module.bias is not None
            size = {"in": module.in_features, "out": module.out_features}
            linears[path] = {"kind": _PLAIN, **size, "bias": bias}
        elif isinstance(module, Attention):
            attention[path] = {
                "heads": module.heads,
                "groups": module.groups,
                "caches_in": module.caches_in,
            }
    return {
        "version": _VERSION,
        "architecture": model.shape.architecture,
        "shape": model.shape.model_dump(exclude_defaults=True),
        "blocks": {path: _numbered(stack) for path, stack in _stacks(model)},
        "attention": attention,
        "linears": linears,
    }


def _numbered(stack: nn.ModuleList) -> list[list[int]]:
    """Of each place, the first place of the same block, and the layer the block was made as."""
    blocks = listed(stack)
    return [[blocks.index(block), block.layer] for block in blocks]


def _stacks(model: LanguageModel) -> Iterator[tuple[str, nn.ModuleList]]:
    """The lists of blocks, by path."""
    for path, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and all(isinstance(one, Block) for one in module):
            yield path, module


class _Places:
    """A model in which one module may stand at several places."""

    def __init__(self, model: LanguageModel) -> None:
        self.model = model
        found: dict[int, list[str]] = {}
        for path, module in model.named_modules(remove_duplicate=False):
            found.setdefault(id(module), []).append(path)
        self._of = {path: paths for paths in found.values() for path in paths}

    def put(self, path: str, module: nn.Module) -> None:
        """Replace the module at the path, wherever else it stands too."""
        for place in self._of.get(path, [path]):  # a part of a composed layer is new
            put(self.model, place, module)


def _arrange_blocks(model: LanguageModel, layout: Mapping[str, Any]) -> None:
    """Give the model the file's blocks, and what each attention has left."""
    for path, places in layout["blocks"].items():
        stack = cast("nn.ModuleList", model.get_submodule(path))
        made = {block.layer: block for block in listed(stack)}
        kept: list[Block] = []
        for first, layer in places:
            kept.append(kept[first] if first < len(kept) else made[layer])
        put(model, path, nn.ModuleList(kept))
    for path, left in layout["attention"].items():
        mixer = cast("Attention", model.get_submodule(path))
        mixer.heads, mixer.groups = left["heads"], left["groups"]
        mixer.caches_in = left["caches_in"]


def _arrange_linears(places: _Places, layout: Mapping[str, Any], kinds: Kinds) -> None:
    """Give the model the file's kinds of Linear layers, as yet without their tensors."""
    unknown = {one["kind"] for one in layout["linears"].values()}.difference(kinds, {_PLAIN})
    if unknown:
        raise ValueError(f"no compression of it has layers of kind {', '.join(sorted(unknown))}")
    for path in sorted(layout["linears"], key=lambda path: path.count(".")):
        one = layout["linears"][path]
        if one["kind"] != _PLAIN:
            kind = kinds[one["kind"]]
            if issubclass(kind, ComposedLinear):
                places.put(path, kind.hollow())
        elif not _is_alike(places.model.get_submodule(path), one):
            places.put(path, _hollow(one["in"], one["out"], bias=one["bias"]))


def _is_alike(module: nn.Module, linear: Mapping[str, Any]) -> bool:
    """True if a Linear layer of that size stands there already."""
    if not isinstance(module, nn.Linear):
        return False
    size = (module.in_features, module.out_features, module.bias is not None)
    return size == (linear["in"], linear["out"], linear["bias"])


def _hollow(inputs: int, outputs: int, *, bias: bool) -> nn.Linear:
    """A Linear without memory."""
    return nn.Linear(inputs, outputs, bias=bias, device="meta")


def _fill(places: _Places, layout: Mapping[str, Any], tensors: Decoded, kinds: Kinds) -> None:
    """Put the file's tensors where they belong, all of them and nothing else."""
    for path, one in layout["linears"].items():
        kind = kinds.get(one["kind"])
        if kind is not None and issubclass(kind, PackedLinear):
            settings = {key: value for key, value in one.items() if key != "kind"}
            places.put(path, kind.restored(settings, tensors.under(path)))
    placed: dict[str, torch.Tensor] = {}
    for full, module, name, old in _own(places.model):
        if (first := layout["shared"].get(full)) is not None:
            setattr(module, name, placed[first])
            continue
        new = tensors.take(full)
        if old.shape != new.shape:
            raise ValueError(f"{full} is {list(new.shape)}, not {list(old.shape)}")
        placed[full] = nn.Parameter(new) if isinstance(old, nn.Parameter) else new
        setattr(module, name, placed[full])
    if tensors.left:
        raise ValueError(f"it has no place for {', '.join(sorted(tensors.left)[:5])}")


def _own(model: nn.Module) -> Iterator[tuple[str, nn.Module, str, torch.Tensor]]:
    """The tensors that modules hold themselves, packed layers apart: path, module, name, tensor."""
    for path, module in list(model.named_modules()):
        if isinstance(module, PackedLinear):
            continue
        for name, tensor in list(module.named_parameters(recurse=False)):
            yield f"{path}.{name}", module, name, tensor
        for name, tensor in list(module.named_buffers(recurse=False)):
            if name not in module._non_persistent_buffers_set:  # noqa: SLF001 - torch has no other
                yield f"{path}.{name}", module, name, tensor


def _shared(model: nn.Module) -> dict[str, str]:
    """By the path of each tensor that stood somewhere before (a tied head's), that first path."""
    first: dict[int, str] = {}
    paths = [(full, first.setdefault(id(tensor), full)) for full, _, _, tensor in _own(model)]
    return {full: before for full, before in paths if before != full}


def _tensors(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Each tensor once, by the path of its module."""
    for path, module in model.named_modules():
        if isinstance(module, PackedLinear):
            for name, tensor in module.stored().items():
                yield f"{path}.{name}", tensor
    shared = _shared(model)
    for full, _, _, tensor in _own(model):
        if full not in shared:
            yield full, tensor.detach()
