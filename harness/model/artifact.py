"""Saves a model, compressed or not, to one safetensors file, and loads it.

The file holds each tensor once. Its metadata holds the layout: the order of the blocks (a block may
appear several times), the kind of each Linear layer, and the heads that each attention still has.
A tensor that is mostly zeros is stored as a bit mask and its nonzero numbers. Nothing is ever
unpickled. A file that was changed or does not fit is refused.
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
from harness.model.build import uninitialised
from harness.model.language import LanguageModel
from harness.model.mixer import MixerFactory
from harness.model.packed import ComposedLinear, LayerKind, PackedLinear, put
from harness.model.shape import BaseShape, Shape
from harness.model.tensors import Decoded, encoded
from harness.model.transformer import Block, Transformer, block_list

_VERSION = 1
_PLAIN = "linear"  # the kind of nn.Linear
Kinds: TypeAlias = Mapping[str, LayerKind]


class ArtifactError(HarnessError):
    """A model file cannot be read, was changed, or does not fit."""


def save(model: LanguageModel, path: Path) -> int:
    """Write the model and return the file's size in bytes. A partial file never has this path."""
    tensors = dict(encoded(tensors_of(model)))
    layout = _layout(model)
    layout["shapes"] = {name: list(tensor.shape) for name, tensor in tensors_of(model)}
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
    """A built-in model, in eval mode. Raises ArtifactError if `save` did not write the file.

    `layers` are the layer classes of the model's compressions. The tensors are trusted: `verify`
    checks them.
    """

    def skeleton(shape: BaseShape) -> Transformer:
        if not isinstance(shape, Shape):
            raise TypeError(f"{shape.architecture} is not a built-in architecture")
        return uninitialised(shape, factory, unmasked, device)

    return _load(path, skeleton, device, layers)


def load_of_factory(
    path: Path, device: torch.device, dtype: torch.dtype, layers: Iterable[LayerKind] = ()
) -> LanguageModel:
    """A factory's model, in eval mode: built by the factory, then filled from the file."""

    def skeleton(shape: BaseShape) -> LanguageModel:
        from harness.model.factory import built

        if not isinstance(shape, FactoryShape):
            raise TypeError(f"{shape.architecture} is not built by a factory")
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
        paths = _Paths(model)
        _arrange_linears(paths, layout, kinds)
        _fill(paths, layout, Decoded(found, layout["shapes"], device), kinds)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtifactError(f"{path} does not hold the model it describes: {error}") from error
    return model.eval()


def verify(path: Path) -> None:
    """Raises ArtifactError unless the file is, to the bit, what `save` wrote.

    Reads the whole file, one tensor at a time.
    """
    with _opened(path) as (layout, file):
        recorded = layout.pop("digest", "")
        digest = _digest(layout, file.keys(), file.get_tensor)
    if digest != recorded:
        raise ArtifactError(f"{path} was changed since it was written: its digest differs")


@contextmanager
def _opened(path: Path) -> Iterator[tuple[dict[str, Any], Any]]:
    """The layout and the open file. Raises ArtifactError if `save` did not write it."""
    try:
        with safe_open(path, framework="pt") as file:
            yield _layout_of(path, file.metadata()), file
    except (OSError, SafetensorError) as error:
        raise ArtifactError(f"{path} is not a complete safetensors file: {error}") from error


def _layout_of(path: Path, metadata: Mapping[str, str] | None) -> dict[str, Any]:
    try:
        layout: dict[str, Any] = json.loads((metadata or {}).get("harness", ""))
        version = layout["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path} was not written by this program") from error
    if version != _VERSION:
        raise ArtifactError(
            f"{path} has format version {version}; this program reads version {_VERSION}"
        )
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
    """For each block in the stack: where it first appears, and the layer it was built as."""
    blocks = block_list(stack)
    return [[blocks.index(block), block.layer] for block in blocks]


def _stacks(model: LanguageModel) -> Iterator[tuple[str, nn.ModuleList]]:
    """The stacks of blocks, with their paths."""
    for path, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and all(isinstance(one, Block) for one in module):
            yield path, module


class _Paths:
    """The paths of each module in a model; a shared module has several."""

    def __init__(self, model: LanguageModel) -> None:
        self.model = model
        found: dict[int, list[str]] = {}
        for path, module in model.named_modules(remove_duplicate=False):
            found.setdefault(id(module), []).append(path)
        self._of = {path: paths for paths in found.values() for path in paths}

    def put(self, path: str, module: nn.Module) -> None:
        """Replace the module at this path and at every other path that it has."""
        for each in self._of.get(path, [path]):  # parts of a composed layer are new
            put(self.model, each, module)


def _arrange_blocks(model: LanguageModel, layout: Mapping[str, Any]) -> None:
    """Arrange the model's blocks as in the file, and set the heads of each attention."""
    for path, order in layout["blocks"].items():
        stack = cast("nn.ModuleList", model.get_submodule(path))
        built = {block.layer: block for block in block_list(stack)}
        kept: list[Block] = []
        for first, layer in order:
            kept.append(kept[first] if first < len(kept) else built[layer])
        put(model, path, nn.ModuleList(kept))
    for path, left in layout["attention"].items():
        mixer = cast("Attention", model.get_submodule(path))
        mixer.heads, mixer.groups = left["heads"], left["groups"]
        mixer.caches_in = left["caches_in"]


def _arrange_linears(paths: _Paths, layout: Mapping[str, Any], kinds: Kinds) -> None:
    """Replace Linear layers by the kinds in the file, still without their tensors."""
    unknown = {one["kind"] for one in layout["linears"].values()}.difference(kinds, {_PLAIN})
    if unknown:
        raise ValueError(
            f"none of its compressions has layers of the kind {', '.join(sorted(unknown))}"
        )
    for path in sorted(layout["linears"], key=lambda path: path.count(".")):
        one = layout["linears"][path]
        if one["kind"] != _PLAIN:
            kind = kinds[one["kind"]]
            if issubclass(kind, ComposedLinear):
                paths.put(path, kind.placeholder())
        elif not _same_size(paths.model.get_submodule(path), one):
            paths.put(path, _placeholder(one["in"], one["out"], bias=one["bias"]))


def _same_size(module: nn.Module, linear: Mapping[str, Any]) -> bool:
    """True if the module is already a Linear layer of this size."""
    if not isinstance(module, nn.Linear):
        return False
    size = (module.in_features, module.out_features, module.bias is not None)
    return size == (linear["in"], linear["out"], linear["bias"])


def _placeholder(inputs: int, outputs: int, *, bias: bool) -> nn.Linear:
    """A Linear layer whose tensors take no memory yet."""
    return nn.Linear(inputs, outputs, bias=bias, device="meta")


def _fill(paths: _Paths, layout: Mapping[str, Any], tensors: Decoded, kinds: Kinds) -> None:
    """Put the file's tensors into the model. Raises an error unless all of them fit."""
    for path, one in layout["linears"].items():
        kind = kinds.get(one["kind"])
        if kind is not None and issubclass(kind, PackedLinear):
            settings = {key: value for key, value in one.items() if key != "kind"}
            paths.put(path, kind.restored(settings, tensors.under(path)))
    placed: dict[str, torch.Tensor] = {}
    for full, module, name, old in _own(paths.model):
        if (first := layout["shared"].get(full)) is not None:
            setattr(module, name, placed[first])
            continue
        new = tensors.take(full)
        if old.shape != new.shape:
            raise ValueError(f"{full} is {list(new.shape)}, not {list(old.shape)}")
        placed[full] = nn.Parameter(new) if isinstance(old, nn.Parameter) else new
        setattr(module, name, placed[full])
    if tensors.left:
        raise ValueError(f"the model has no place for {', '.join(sorted(tensors.left)[:5])}")


def _own(model: nn.Module) -> Iterator[tuple[str, nn.Module, str, torch.Tensor]]:
    """The tensors of each module except packed layers: full path, module, name, tensor."""
    for path, module in list(model.named_modules()):
        if isinstance(module, PackedLinear):
            continue
        for name, tensor in list(module.named_parameters(recurse=False)):
            yield f"{path}.{name}", module, name, tensor
        for name, tensor in list(module.named_buffers(recurse=False)):
            if name not in module._non_persistent_buffers_set:  # noqa: SLF001 - torch has no public name
                yield f"{path}.{name}", module, name, tensor


def _shared(model: nn.Module) -> dict[str, str]:
    """The first path of each tensor that appears again, such as a tied head, by its later path."""
    first: dict[int, str] = {}
    paths = [(full, first.setdefault(id(tensor), full)) for full, _, _, tensor in _own(model)]
    return {full: before for full, before in paths if before != full}


def tensors_of(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Each tensor once, with its full path."""
    for path, module in model.named_modules():
        if isinstance(module, PackedLinear):
            for name, tensor in module.stored().items():
                yield f"{path}.{name}", tensor
    shared = _shared(model)
    for full, _, _, tensor in _own(model):
        if full not in shared:
            yield full, tensor.detach()
