"""Taking numbers, heads, channels and layers out of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import torch
from torch import nn

from harness.model.attention import Attention
from harness.model.language import LanguageModel
from harness.model.transformer import Block, Transformer, listed

_Key = TypeVar("_Key")


def body_linears(model: LanguageModel) -> dict[str, nn.Linear]:
    """Every Linear layer but the output head, by path.

    In a factory's model the head is whichever has an output for each token of the vocabulary.
    """
    linears = {
        path: module for path, module in model.named_modules() if isinstance(module, nn.Linear)
    }
    if isinstance(model, Transformer):
        return {path: one for path, one in linears.items() if one is not model.head}
    return {path: one for path, one in linears.items() if one.out_features != model.shape.vocab}


def all_blocks(model: Transformer) -> list[Block]:
    """Of every stack, each block once."""
    blocks = [block for stack in model.stacks() for block in stack]
    return list(dict.fromkeys(blocks))


def lowest(
    scores: Mapping[_Key, torch.Tensor], fraction: float, *, overall: bool
) -> dict[_Key, torch.Tensor]:
    """Masks of the share of the scores that is lowest: in each tensor, or over all of them.

    Exactly round(fraction x count) are marked, whatever ties there are.
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
    """Of each four neighbours in a row of [out, in], the two lowest, as a mask."""
    groups = scores.unflatten(1, (-1, 4))
    keep = groups.topk(2, dim=-1).indices
    mask = torch.ones_like(groups, dtype=torch.bool).scatter(-1, keep, value=False)
    return mask.flatten(1)


@torch.no_grad()
def keep_heads(mixer: Attention, kept: Sequence[int]) -> None:
    """Leave an attention these heads; each has keys and values of its own."""
    assert mixer.heads == mixer.groups, "heads that share keys cannot go one by one"
    width = mixer.d_head
    rows = torch.cat([torch.arange(head * width, (head + 1) * width) for head in kept])
    side = mixer.heads * width
    everywhere = torch.cat([rows, rows + side, rows + 2 * side])
    mixer.qkv = narrowed(mixer.qkv, rows=everywhere)
    mixer.out = narrowed(mixer.out, columns=rows)
    mixer.heads = mixer.groups = len(kept)


@torch.no_grad()
def keep_channels(block: Block, kept: torch.Tensor) -> None:
    """Leave a feed-forward layer these of its hidden channels."""
    block.up = narrowed(block.up, rows=kept)
    block.down = narrowed(block.down, columns=kept)


@torch.no_grad()
def narrowed(
    layer: nn.Linear, rows: torch.Tensor | None = None, columns: torch.Tensor | None = None
) -> nn.Linear:
    """A smaller Linear, of these outputs and these inputs."""
    weight: torch.Tensor = layer.weight
    bias: torch.Tensor | None = layer.bias
    if rows is not None:
        rows = rows.to(weight.device)
        weight, bias = weight[rows], None if bias is None else bias[rows]
    if columns is not None:
        weight = weight[:, columns.to(weight.device)]
    made = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    made.weight = nn.Parameter(weight.clone())
    if bias is not None:
        made.bias = nn.Parameter(bias.clone())
    return made


def keep_blocks(model: Transformer, kept: Sequence[int]) -> None:
    """Leave a decoder these of its blocks, in order."""
    blocks = listed(model.blocks)
    model.blocks = nn.ModuleList(blocks[place] for place in kept)


@torch.no_grad()
def share_blocks(model: Transformer, group: int) -> None:
    """Put one block, whose numbers are their mean, in the place of each `group` that follow."""
    blocks = listed(model.blocks)
    shared: list[Block] = []
    for start in range(0, len(blocks), group):
        some = blocks[start : start + group]
        first = some[0]
        for name, parameter in first.named_parameters():
            alike: list[torch.Tensor] = [block.get_parameter(name) for block in some]
            parameter.copy_(torch.stack(alike).mean(0))
        shared += [first] * len(some)
    model.blocks = nn.ModuleList(shared)


def row_wise(model: Transformer) -> dict[str, nn.Linear]:
    """The Linear layers that each token goes through once, by path, but for the output head.

    Those of feed-forward layers and of attention; other mixers apply theirs in ways of their own.
    """
    found = {}
    for path, module in model.named_modules():
        owner = model.get_submodule(path.rpartition(".")[0])
        if isinstance(module, nn.Linear) and isinstance(owner, Block | Attention):
            found[path] = module
    return found


def blocks_by_path(model: Transformer) -> dict[str, Block]:
    """Each block once."""
    return {path: module for path, module in model.named_modules() if isinstance(module, Block)}
