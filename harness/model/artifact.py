"""A model as it stands, compressed or not, in one safetensors file, and back.

The file holds each tensor once, and as metadata the layout: which blocks stand where (one may
stand at several places), what kind each Linear layer is of, what each attention has left. Tensors
that are mostly zeros are kept as one bit a number and the numbers that are not zero. Nothing is
ever unpickled; what does not fit, or is not what was written, is refused.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from harness.errors import HarnessError
from harness.model.architectures import SHAPES
from harness.model.attention import Attention
from harness.model.build import blank
from harness.model.mixer import MixerFactory
from harness.model.packed import ComposedLinear, LayerKind, PackedLinear, put
from harness.model.transformer import Block, Transformer, listed

_VERSION = 1
_PLAIN = "linear"  # the kind of torch's own
Kinds: TypeAlias = Mapping[str, LayerKind]
_MASK, _VALUES = "#mask", "#values"  # of a tensor kept without its zeros
_SMALL = 1024  # numbers; of fewer no zeros are looked for


class ArtifactError(HarnessError):
    """A model's file cannot be read, was changed, or does not fit."""


def save(model: Transformer, path: Path) -> int:
    """Write the model; the file's bytes. The file is whole or not there at all."""
    tensors = dict(_encoded(_tensors(model)))
    layout = _layout(model)
    layout["shapes"] = {name: list(tensor.shape) for name, tensor in _tensors(model)}
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
    """The model, in eval mode; ArtifactError where the file is not what `save` wrote.

    `layers` are those that it may hold beside torch's own: those of its compressions. It trusts
    the tensors that it reads; `verify` checks them.
    """
    with _opened(path) as (layout, file):
        found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    try:
        shape = SHAPES[layout["architecture"]].model_validate(layout["shape"])
        model = blank(shape, factory, unmasked, device)
        kinds = {layer.kind: layer for layer in layers}
        _arrange(model, layout, kinds)
        _fill(model, layout, _Decoded(found, layout["shapes"], device), kinds)
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


def _layout(model: Transformer) -> dict[str, Any]:
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
        "tied": _is_tied(model),
    }


def _numbered(stack: nn.ModuleList) -> list[list[int]]:
    """Of each place, the first place of the same block, and the layer the block was made as."""
    blocks = listed(stack)
    return [[blocks.index(block), block.layer] for block in blocks]


def _stacks(model: Transformer) -> Iterator[tuple[str, nn.ModuleList]]:
    """The lists of blocks, by path."""
    for path, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and all(isinstance(one, Block) for one in module):
            yield path, module


def _is_tied(model: Transformer) -> bool:
    return getattr(model.head, "weight", None) is model.wte.weight


def _arrange(model: Transformer, layout: Mapping[str, Any], kinds: Kinds) -> None:
    """Give the model the file's blocks and kinds of layers, as yet without their tensors."""
    unknown = {one["kind"] for one in layout["linears"].values()}.difference(kinds, {_PLAIN})
    if unknown:
        raise ValueError(f"no compression of it has layers of kind {', '.join(sorted(unknown))}")
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
    for path in sorted(layout["linears"], key=lambda path: path.count(".")):
        one = layout["linears"][path]
        if one["kind"] != _PLAIN:
            kind = kinds[one["kind"]]
            if issubclass(kind, ComposedLinear):
                put(model, path, kind.hollow())
        elif not (path == "head" and layout["tied"]):
            put(model, path, _hollow(one["in"], one["out"], bias=one["bias"]))


def _hollow(inputs: int, outputs: int, *, bias: bool) -> nn.Linear:
    """A Linear without memory."""
    return nn.Linear(inputs, outputs, bias=bias, device="meta")


def _fill(model: Transformer, layout: Mapping[str, Any], tensors: _Decoded, kinds: Kinds) -> None:
    """Put the file's tensors where they belong, all of them and nothing else."""
    for path, one in layout["linears"].items():
        kind = kinds.get(one["kind"])
        if kind is not None and issubclass(kind, PackedLinear):
            settings = {key: value for key, value in one.items() if key != "kind"}
            put(model, path, kind.restored(settings, tensors.under(path)))
    for path, module, name, old in _own(model, tied=layout["tied"]):
        new = tensors.take(f"{path}.{name}")
        if old.shape != new.shape:
            raise ValueError(f"{path}.{name} is {list(new.shape)}, not {list(old.shape)}")
        setattr(module, name, nn.Parameter(new) if isinstance(old, nn.Parameter) else new)
    if layout["tied"]:
        model.head.weight = model.wte.weight
    if tensors.left:
        raise ValueError(f"it has no place for {', '.join(sorted(tensors.left)[:5])}")


def _own(model: Transformer, *, tied: bool) -> Iterator[tuple[str, nn.Module, str, torch.Tensor]]:
    """The tensors that modules hold themselves, packed layers apart: path, module, name, tensor."""
    for path, module in list(model.named_modules()):
        if isinstance(module, PackedLinear) or (path == "head" and tied):
            continue
        for name, tensor in list(module.named_parameters(recurse=False)):
            yield path, module, name, tensor
        for name, tensor in list(module.named_buffers(recurse=False)):
            if name not in module._non_persistent_buffers_set:  # noqa: SLF001 - torch has no other
                yield path, module, name, tensor


def _tensors(model: Transformer) -> Iterator[tuple[str, torch.Tensor]]:
    """Each tensor once, by the path of its module."""
    for path, module in model.named_modules():
        if isinstance(module, PackedLinear):
            for name, tensor in module.stored().items():
                yield f"{path}.{name}", tensor
    for path, _, name, tensor in _own(model, tied=_is_tied(model)):
        yield f"{path}.{name}", tensor.detach()


def _encoded(
    tensors: Iterable[tuple[str, torch.Tensor]],
) -> Iterator[tuple[str, torch.Tensor]]:
    """As the file keeps them: without zeros where that takes fewer bytes."""
    for name, on_device in tensors:
        tensor = on_device.cpu().contiguous()
        flat = _selectable(tensor.flatten())
        filled = int(torch.count_nonzero(flat)) if tensor.numel() >= _SMALL else tensor.numel()
        sparse = -(-tensor.numel() // 8) + filled * tensor.element_size()
        if sparse < tensor.nbytes:
            mask = flat != 0
            yield name + _MASK, torch.from_numpy(np.packbits(mask.numpy()))
            yield name + _VALUES, flat[mask].view(tensor.dtype)
        else:
            yield name, tensor.clone()  # memory of its own: safetensors refuses what is shared


def _selectable(flat: torch.Tensor) -> torch.Tensor:
    """View one-byte formats as integers: torch neither compares nor indexes fp8 on a CPU."""
    return flat.view(torch.uint8) if flat.element_size() == 1 else flat


class _Decoded:
    """A file's tensors, each taken once, in memory of their own."""

    def __init__(
        self,
        found: Mapping[str, torch.Tensor],
        shapes: Mapping[str, list[int]],
        device: torch.device,
    ) -> None:
        self._found, self._shapes, self._device = found, shapes, device
        self.left = set(shapes)

    def take(self, name: str) -> torch.Tensor:
        """The tensor; KeyError where the file has none, ValueError where it was cut."""
        self.left.remove(name)
        shape = self._shapes[name]
        if name in self._found:
            tensor = self._found[name]
        else:
            mask = np.unpackbits(self._found[name + _MASK].numpy(), count=math.prod(shape))
            values = self._found[name + _VALUES]
            tensor = torch.zeros(math.prod(shape), dtype=values.dtype)
            _selectable(tensor)[torch.from_numpy(mask).bool()] = _selectable(values)
        # The file's pages are only mapped: what runs must not be read from it, nor change with it.
        return tensor.reshape(shape).to(self._device, copy=True)

    def under(self, path: str) -> dict[str, torch.Tensor]:
        """All of a module's, by their own names."""
        names = [name for name in self.left if name.rpartition(".")[0] == path]
        return {name.rpartition(".")[2]: self.take(name) for name in names}
