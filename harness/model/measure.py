"""What a model takes: parameters and bytes, as it stands in memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from harness.model.cost import Weights

if TYPE_CHECKING:
    import torch
    from torch import nn

    from harness.model.transformer import Transformer


def parameter_count(model: nn.Module) -> int:
    """Numbers in all parameters, shared ones once."""
    return sum(parameter.numel() for parameter in model.parameters())


def model_bytes(model: nn.Module) -> int:
    """Bytes of parameters, buffers and packed weights, shared memory once."""
    storages = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
        for tensor in chain(model.parameters(), model.buffers())
    }
    # An unpacked weight may be a passing copy, whose address the next one can get again.
    return sum(storages.values()) + sum(tensor.nbytes for tensor in _unpacked(model))


def weights_of(model: Transformer) -> Weights:
    """Bytes that a pass over the model as it stands reads, packed weights at their packed size."""
    once, every = model.read_once(), set(model.blocks.modules())
    return Weights(
        body=model_bytes(model.blocks)
        + model_bytes(model.ln_f)
        - sum(model_bytes(part) for part in once if part in every),
        head=model_bytes(model.head),
        row=model.wte.embedding_dim * model.wte.weight.element_size(),
        once=sum(map(model_bytes, once)),
    )


def _unpacked(model: nn.Module) -> Iterator[torch.Tensor]:
    for module in model.modules():
        packed: Any = getattr(module, "_packed_params", None)  # torch.ao's quantised Linear
        if hasattr(packed, "_packed_params"):
            weight, bias = packed._weight_bias()  # noqa: SLF001 - torch has no public way
            yield weight
            if bias is not None:
                yield bias
