"""Splits matrices over ranks; each rank has some heads and hidden units (Shoeybi et al. 2019).

Megatron-LM (arXiv 1909.08053): the first matrix of each sub-layer is split by its outputs, the
second by its inputs, so that a sub-layer ends with one all-reduce. With sequence parallelism
(Korthikanti et al. 2022, arXiv 2205.05198) it begins with an all-gather and ends with a
reduce-scatter instead, and norms work on a share of the tokens.
"""

from __future__ import annotations

from functools import partial

import torch
from torch.distributed.tensor import Replicate, Shard
from torch.distributed.tensor.parallel import (
    ColwiseParallel,
    RowwiseParallel,
    SequenceParallel,
    loss_parallel,
    parallelize_module,
)

from harness.distributed.split import Split
from harness.model.attention import Attention
from harness.model.transformer import blocks_of


def split_matrices(split: Split, *, sequence: bool) -> None:
    """Split all matrices of the core; the token table and the head are split by vocabulary."""
    assert split.mesh is not None
    mesh, degree = split.mesh["tensor"], split.degrees["tensor"]
    stream = Shard(1) if sequence else Replicate()  # the layout of the residual stream
    core = split.core
    plan = {
        "mixer.qkv": ColwiseParallel(input_layouts=stream),
        "mixer.out": RowwiseParallel(output_layouts=stream),
        "up": ColwiseParallel(input_layouts=stream),
        "down": RowwiseParallel(output_layouts=stream),
    }
    norms = {"ln_1": SequenceParallel(), "ln_2": SequenceParallel()} if sequence else {}
    for block in blocks_of(core):
        mixer = block.mixer
        assert isinstance(mixer, Attention)
        widths = [one * mixer.d_head for one in (mixer.heads, mixer.groups, mixer.groups)]
        order = by_rank(widths, degree)
        _reorder(mixer.qkv, order)
        mixer.heads, mixer.groups = mixer.heads // degree, mixer.groups // degree
        parallelize_module(block, mesh, {**plan, **norms})
        back = partial(_in_first_order, order=order)
        split.undo |= {"qkv.weight": back, "qkv.bias": back}
    ends = {
        "wte": RowwiseParallel(input_layouts=Replicate(), output_layouts=stream),
        "head": ColwiseParallel(
            input_layouts=stream,
            output_layouts=Shard(-1) if split.trains else Replicate(),
            use_local_output=not split.trains,
        ),
    }
    if sequence:
        ends |= {
            "ln_f": SequenceParallel(),
            "wpe": SequenceParallel(sequence_dim=0, use_local_output=True),
        }
        split.places.append(lambda positions: positions.chunk(degree)[mesh.get_local_rank()])
    parallelize_module(core, mesh, ends)
    if core.shape.tied:
        core.head.weight = core.wte.weight
    if split.trains:
        split.around = loss_parallel


def by_rank(widths: list[int], degree: int) -> torch.Tensor:
    """An order of the rows of stacked matrices that puts the first rank's rows first."""
    rows = torch.arange(sum(widths)).split(widths)
    shares = [one.chunk(degree) for one in rows]
    return torch.cat([share[rank] for rank in range(degree) for share in shares])


@torch.no_grad()
def _reorder(linear: torch.nn.Linear, order: torch.Tensor) -> None:
    linear.weight.copy_(linear.weight[order])
    if linear.bias is not None:
        linear.bias.copy_(linear.bias[order])


def _in_first_order(tensor: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    return tensor[order.argsort()]
