"""The parameters, bytes and FLOPs of a model in memory, compressed or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import torch
from torch import nn

from harness.model import cost
from harness.model.attention import Attention
from harness.model.cost import MixerCost, Weights, Work
from harness.model.packed import PackedLinear, multiplications
from harness.model.shape import Shape
from harness.model.transformer import Block, Transformer, blocks_of


def parameter_count(model: nn.Module) -> int:
    """The count of all weights and biases, in any format; shared tensors count once."""
    plain, packed = _parts(model)
    return sum(one.numel() for one in plain) + sum(one.parameter_count() for one in packed)


def nonzero_count(model: nn.Module) -> int:
    """The count of the parameters that are not zero."""
    plain, packed = _parts(model)
    biases = [one.bias for one in packed if one.bias is not None]
    tensors = chain(plain, biases, (one.dense() for one in packed))
    return sum(int(torch.count_nonzero(one)) for one in tensors)


def executed_flops(model: Transformer, operator: MixerCost, works: Iterable[Work]) -> int:
    """Matrix FLOPs that the model really executes in the passes.

    For a decoder, the FLOPs of its dimensions (model/cost.py) minus those that compression removed,
    block by block. For other architectures nothing is subtracted.
    """
    passes = list(works)
    if type(model) is not Transformer:
        return cost.flops(model.shape, operator, passes)
    return sum(_executed(model, operator, work) * (3 if work.backward else 1) for work in passes)


def _executed(model: Transformer, operator: MixerCost, work: Work) -> int:
    rows = work.batch * work.new
    head = 2 * work.batch * work.logits * model.shape.d_model * model.shape.vocab
    return head + sum(
        operator.flops(model.shape, block.layer, work.batch, work.new, work.past)
        + 4 * rows * model.shape.d_model * model.shape.width
        - 2 * rows * _removed_multiplications(model.shape, block)
        - _removed_pair_flops(model.shape, operator, block, work)
        for block in blocks_of(model)
    )


def _removed_multiplications(shape: Shape, block: Block) -> int:
    """Multiply-adds per row that compression removed from the block's Linear layers."""
    removed = (
        2 * shape.d_model * shape.width - multiplications(block.up) - multiplications(block.down)
    )
    if isinstance(block.mixer, Attention):
        mixer = block.mixer
        groups = shape.heads if mixer.groups == mixer.heads else mixer.groups
        dense = shape.d_model * (2 * shape.d_model + 2 * groups * shape.d_head)
        removed += dense - multiplications(mixer)
    return removed


def _removed_pair_flops(shape: Shape, operator: MixerCost, block: Block, work: Work) -> int:
    """FLOPs of the query-key pairs of removed heads."""
    if not isinstance(block.mixer, Attention) or block.mixer.heads == shape.heads:
        return 0
    whole = operator.flops(shape, block.layer, work.batch, work.new, work.past)
    pairs = whole - 8 * work.batch * work.new * shape.d_model**2
    return pairs * (shape.heads - block.mixer.heads) // shape.heads


def model_bytes(model: nn.Module) -> int:
    """Bytes of parameters, buffers and packed weights; shared memory counts once."""
    plain, packed = _parts(model, buffers=True)
    storages = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in plain
    }
    return sum(storages.values()) + sum(one.weight_bytes() for one in packed)


def weights_of(model: Transformer) -> Weights:
    """Bytes of weights that a pass over the model reads; packed weights at their packed size."""
    prompt_only, in_blocks = model.prompt_modules(), set(model.blocks.modules())
    return Weights(
        body=sum(map(model_bytes, model.blocks))  # a shared block counts at each place
        + model_bytes(model.ln_f)
        - sum(model_bytes(part) for part in prompt_only if part in in_blocks),
        head=model_bytes(model.head),
        row=model.wte.embedding_dim * model.wte.weight.element_size(),
        once=sum(map(model_bytes, prompt_only)),
    )


def _parts(
    model: nn.Module, *, buffers: bool = False
) -> tuple[list[torch.Tensor], list[PackedLinear]]:
    """The model's tensors outside packed layers, and the packed layers."""
    packed = [one for one in model.modules() if isinstance(one, PackedLinear)]
    packed_tensors = {id(one) for layer in packed for one in _tensors(layer, buffers=True)}
    return [
        one for one in _tensors(model, buffers=buffers) if id(one) not in packed_tensors
    ], packed


def _tensors(module: nn.Module, *, buffers: bool) -> Iterator[torch.Tensor]:
    return chain(module.parameters(), module.buffers() if buffers else ())
