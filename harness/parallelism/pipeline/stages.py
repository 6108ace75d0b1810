"""Cuts a model's layers into stages; each rank keeps its own."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, pairwise

import torch
import torch.distributed as dist
from torch import nn

from harness.distributed.split import Split
from harness.model.transformer import Transformer, blocks_of
from harness.parallelism.pipeline.group import PipelineGroup
from harness.parallelism.pipeline.run import StagedModel


class PipelineStage(nn.Module):
    """Some layers, with the embedding before the first layer and the head after the last.

    Its parameters keep their names in the whole model.
    """

    def __init__(self, split: Split, layers: range, *, first: bool, last: bool) -> None:
        super().__init__()
        core, blocks = split.core, blocks_of(split.core)
        self._split, self.shape = split, core.shape
        self.wte = core.wte if first else None
        self.wpe = core.wpe if first else None
        self.blocks = nn.ModuleDict({str(layer): blocks[layer] for layer in layers})
        self.ln_f = core.ln_f if last else None
        self.head = core.head if last else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, T] token ids or [B, T, D] activations -> [B, T, D] activations, or logits."""
        if self.wte is not None and self.wpe is not None:
            positions = self._split.positions(self._split.length)
            if positions is None:
                positions = torch.arange(x.shape[1], device=x.device)
            x = self.wte(x) + self.wpe(positions)
        for block in self.blocks.values():
            x = block(x)
        if self.ln_f is not None and self.head is not None:
            x = self.head(self.ln_f(x))
        return x


def split_layers(split: Split, *, schedule: str, microbatches: int) -> None:
    """Keep only this rank's layers: as stages for training, in one piece for inference."""
    processes = split.group("pipeline")
    rank, ranks = dist.get_rank(processes), dist.get_world_size(processes)
    group = PipelineGroup(processes, rank, ranks, schedule, microbatches, split.timer)
    split.pipelined = StagedModel(split, group)
    layers = len(split.core.blocks)
    if not split.trains:
        keep(split.core, group, even(layers, ranks)[rank])
        split.parts = [split.core]
        return
    own = range(rank, group.stage_count, ranks)
    shares = even(layers, group.stage_count)
    last = group.stage_count - 1
    split.parts = [
        PipelineStage(split, shares[one], first=one == 0, last=one == last) for one in own
    ]
    keep(split.core, group, chain.from_iterable(shares[one] for one in own))


def keep(core: Transformer, group: PipelineGroup, layers: Iterable[int]) -> None:
    """Drop the other ranks' layers. The first rank keeps the embedding, the last rank the head.

    Every rank keeps the table of positions: it is small, and decode states copy its dtype.
    """
    blocks = blocks_of(core)
    core.blocks = nn.ModuleList(blocks[layer] for layer in layers)
    others = [] if group.is_first else ["wte"]
    others += [] if group.is_last else ["ln_f", "head"]
    for name in others:
        setattr(core, name, nn.Identity())


def even(layers: int, stages: int) -> list[range]:
    """Layers cut as evenly as possible; earlier stages may have one more."""
    cuts = [-(-layers * stage // stages) for stage in range(stages + 1)]
    return [range(*pair) for pair in pairwise(cuts)]
