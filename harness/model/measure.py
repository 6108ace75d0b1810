"""What a model takes: parameters and bytes, as it stands in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn


def parameter_count(model: nn.Module) -> int:
    """Numbers in all parameters, shared ones once."""
    return sum(parameter.numel() for parameter in model.parameters())


def model_bytes(model: nn.Module) -> int:
    """Bytes of parameters, buffers and packed weights, shared memory once."""
    storages = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
        for tensor in _tensors(model)
    }
    return sum(storages.values())


def _tensors(model: nn.Module) -> Iterator[torch.Tensor]:
    yield from model.parameters()
    yield from model.buffers()
    for module in model.modules():
        packed: Any = getattr(module, "_packed_params", None)  # torch.ao's quantised Linear
        if hasattr(packed, "_packed_params"):
            weight, bias = packed._weight_bias()  # noqa: SLF001 - torch has no public way
            yield weight
            if bias is not None:
                yield bias
