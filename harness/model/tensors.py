"""Tensors as a model's file keeps them: those that are mostly zeros, without the zeros."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import torch

_MASK, _VALUES = "#mask", "#values"  # of a tensor kept without its zeros
_SMALL = 1024  # numbers; of fewer no zeros are looked for


def encoded(
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


class Decoded:
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
