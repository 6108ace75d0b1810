"""Removes weights, heads, channels and layers from a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import torch
from torch import nn

from harness.model.attention import Attention
from harness.model.language import LanguageModel
from harness.model.transformer import Block, Transformer, block_list

_Key = TypeVar("_Key")


def body_linears(model: LanguageModel) -> dict[str, nn.Linear]:
    """Every Linear layer but the output head, by path.

    In a factory's model, a layer with one output per token of the vocabulary counts as the head.
    """
    linears = {
        path: module for path, module in model.named_modules() if isinstance(module, nn.Linear)
    }
    if isinstance(model, Transformer):
        return {path: one for path, one in linears.items() if one is not model.head}
    return {path: one for path, one in linears.items() if one.out_features != model.shape.vocab}


def all_blocks(model: Transformer) -> list[Block]:
    """The blocks of every stack; a shared block appears once."""
    blocks = [block for stack in model.stacks() for block in stack]
    return list(dict.fromkeys(blocks))


def lowest(
    scores: Mapping[_Key, torch.Tensor], fraction: float, *, overall: bool
) -> dict[_Key, torch.Tensor]:
    """Masks of the lowest scores: this fraction of each tensor, or `overall` of all together.

    Exactly round(fraction x count) scores are marked, even with ties.
    """
    if not overall:
        return {
            key: _lowest(score, round(fraction * score.numel())) for key, score in scores.items()
        }
    flat = torch.cat([score.flatten() for score in scores.values()])
    mask = _lowest(flat, round(fraction * flat.numel()))
    parts = mask.split([score.numel() for score in scores.values()])
    return {
        key: part.view(score.shape)
        for (key, score), part in zip(scores.items(), parts, strict=True)
    }


def _lowest(scores: torch.Tensor, count: int) -> torch.Tensor:
    mask = torch.zeros(scores.numel(), dtype=torch.bool, device=scores.device)
    if count:
        mask[scores.flatten().topk(count, largest=False).indices] = True
    return mask.view(scores.shape)


@torch.no_grad()
def zero(linears: Mapping[str, nn.Linear], masks: Mapping[str, torch.Tensor]) -> None:
    """Set the marked weights to zero."""
    for path, mask in masks.items():
        linears[path].weight.masked_fill_(mask, 0.0)


@torch.no_grad()
def two_of_four(scores: torch.Tensor) -> torch.Tensor:
    """A mask of the two lowest in each group of four neighbours in a row of [out, in]."""
    groups = scores.unflatten(1, (-1, 4))
    keep = groups.topk(2, dim=-1).indices
    mask = torch.ones_like(groups, dtype=torch.bool).scatter(-1, keep, value=False)
    return mask.flatten(1)


@torch.no_grad()
def keep_heads(mixer: Attention, kept: Sequence[int]) -> None:
    """Keep only these heads. Each head must have its own keys and values."""
    assert mixer.heads == mixer.groups, "heads that share keys cannot be removed one by one"
    width = mixer.d_head
    rows = torch.cat([torch.arange(head * width, (head + 1) * width) for head in kept])
    total = mixer.heads * width
    qkv_rows = torch.cat([rows, rows + total, rows + 2 * total])
    mixer.qkv = narrowed(mixer.qkv, rows=qkv_rows)
    mixer.out = narrowed(mixer.out, columns=rows)
    mixer.heads = mixer.groups = len(kept)


@torch.no_grad()
def keep_channels(block: Block, kept: torch.Tensor) -> None:
    """Keep only these hidden channels of the feed-forward layer."""
    block.up = narrowed(block.up, rows=kept)
    block.down = narrowed(block.down, columns=kept)


@torch.no_grad()
def narrowed(
    layer: nn.Linear, rows: torch.Tensor | None = None, columns: torch.Tensor | None = None
) -> nn.Linear:
    """A smaller Linear with these outputs (rows) and inputs (columns)."""
    weight: torch.Tensor = layer.weight
    bias: torch.Tensor | None = layer.bias
    if rows is not None:
        rows = rows.to(weight.device)
        weight, bias = weight[rows], None if bias is None else bias[rows]
    if columns is not None:
        weight = weight[:, columns.to(weight.device)]
    smaller = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    smaller.weight = nn.Parameter(weight.clone())
    if bias is not None:
        smaller.bias = nn.Parameter(bias.clone())
    return smaller


def keep_blocks(model: Transformer, kept: Sequence[int]) -> None:
    """Keep only these blocks of a decoder, in order."""
    blocks = block_list(model.blocks)
    model.blocks = nn.ModuleList(blocks[place] for place in kept)


@torch.no_grad()
def share_blocks(model: Transformer, group: int) -> None:
    """Replace each `group` of successive blocks by one block, the mean of their weights."""
    blocks = block_list(model.blocks)
    shared: list[Block] = []
    for start in range(0, len(blocks), group):
        members = blocks[start : start + group]
        first = members[0]
        for name, parameter in first.named_parameters():
            weights: list[torch.Tensor] = [block.get_parameter(name) for block in members]
            parameter.copy_(torch.stack(weights).mean(0))
        shared += [first] * len(members)
    model.blocks = nn.ModuleList(shared)


def row_wise(model: Transformer) -> dict[str, nn.Linear]:
    """The Linear layers of feed-forward layers and attention, by path.

    Each token passes through them once. Other mixers may apply their layers differently.
    """
    found = {}
    for path, module in model.named_modules():
        owner = model.get_submodule(path.rpartition(".")[0])
        if isinstance(module, nn.Linear) and isinstance(owner, Block | Attention):
            found[path] = module
    return found


def blocks_by_path(model: Transformer) -> dict[str, Block]:
    """Each block with its path; a shared block appears once."""
    return {path: module for path, module in model.named_modules() if isinstance(module, Block)}
