"""The format of tensors in a model file: tensors that are mostly zeros omit the zeros."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import torch

_MASK, _VALUES = "#mask", "#values"  # name suffixes for a tensor without its zeros
_SMALL = 1024  # numbers: smaller tensors keep their zeros


def encoded(
    tensors: Iterable[tuple[str, torch.Tensor]],
) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors for the file, without zeros if that takes fewer bytes."""
    for name, original in tensors:
        tensor = original.cpu().contiguous()
        flat = _selectable(tensor.flatten())
        nonzeros = int(torch.count_nonzero(flat)) if tensor.numel() >= _SMALL else tensor.numel()
        sparse = -(-tensor.numel() // 8) + nonzeros * tensor.element_size()
        if sparse < tensor.nbytes:
            mask = flat != 0
            yield name + _MASK, torch.from_numpy(np.packbits(mask.numpy()))
            yield name + _VALUES, flat[mask].view(tensor.dtype)
        else:
            yield name, tensor.clone()  # safetensors refuses tensors that share memory


def _selectable(flat: torch.Tensor) -> torch.Tensor:
    """View one-byte formats as integers: torch neither compares nor indexes fp8 on a CPU."""
    return flat.view(torch.uint8) if flat.element_size() == 1 else flat


class Decoded:
    """A file's tensors. Each is taken once, as a copy."""

    def __init__(
        self,
        found: Mapping[str, torch.Tensor],
        shapes: Mapping[str, list[int]],
        device: torch.device,
    ) -> None:
        self._found, self._shapes, self._device = found, shapes, device
        self.left = set(shapes)

    def take(self, name: str) -> torch.Tensor:
        """The tensor. Raises KeyError if the file lacks it, ValueError if its size is wrong."""
        self.left.remove(name)
        shape = self._shapes[name]
        if name in self._found:
            tensor = self._found[name]
        else:
            mask = np.unpackbits(self._found[name + _MASK].numpy(), count=math.prod(shape))
            values = self._found[name + _VALUES]
            tensor = torch.zeros(math.prod(shape), dtype=values.dtype)
            _selectable(tensor)[torch.from_numpy(mask).bool()] = _selectable(values)
        # The file is memory-mapped. A copy neither reads from it during a run nor changes with it.
        return tensor.reshape(shape).to(self._device, copy=True)

    def under(self, path: str) -> dict[str, torch.Tensor]:
        """The tensors of one module, by their names in it."""
        names = [name for name in self.left if name.rpartition(".")[0] == path]
        return {name.rpartition(".")[2]: self.take(name) for name in names}
