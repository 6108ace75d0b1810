"""Layers split over ranks: each holds a stage, or several, and hands activations on.

Training follows torch's own schedules (torch.distributed.pipelining). Of p stages and m
microbatches the share of time that a rank waits, the bubble, is in theory (p - 1) / (m + p - 1)
for GPipe (Huang et al. 2019, arXiv 1811.06965) and 1F1B (Narayanan et al. 2019), and
(p - 1) / (v m + p - 1) with v stages a rank (Narayanan et al. 2021, arXiv 2104.04473, section
2.2.2). With weights' gradients taken apart from inputs' the wait is filled (Qi et al. 2023, arXiv
2401.10241), in theory wholly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, Self

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.pipelining import PipelineStage
from torch.distributed.pipelining.schedules import get_schedule_class
from torch.distributed.tensor import DTensor
from torch.nn.functional import cross_entropy

from harness.distributed.split import Split
from harness.model.transformer import Block, DecodeState, Transformer, blocks_of

if TYPE_CHECKING:
    from harness.timer import Timer

# What a spec calls them, and torch; how many stages a rank has.
SCHEDULES = {
    "gpipe": ("GPipe", 1),
    "1f1b": ("1F1B", 1),
    "interleaved": ("Interleaved1F1B", 2),
    "zero-bubble": ("InterleavedZeroBubble", 2),
}


class Stage(nn.Module):
    """Some layers, with the embedding before the first and the head behind the last.

    Its parameters have the names they have in the whole model.
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


@dataclass
class Line:
    """The pipeline that this rank is in."""

    group: dist.ProcessGroup
    rank: int
    ranks: int
    schedule: str
    microbatches: int
    timer: Timer
    worked: float = 0.0  # seconds in passes and the loss, of those in steps
    stepped: float = 0.0
    # Beginnings and ends in the step at hand: a GPU's are not told before it is done.
    _work: list[tuple[object, object]] = field(default_factory=list)
    _step: list[tuple[object, object]] = field(default_factory=list)

    @property
    def stage_count(self) -> int:
        """Of all ranks."""
        return self.ranks * SCHEDULES[self.schedule][1]

    @property
    def bubble_in_theory(self) -> float:
        """The share of its time that a rank waits, were all stages alike and sending free."""
        waits = self.ranks - 1
        if self.schedule == "zero-bubble":
            return 0.0
        return waits / (SCHEDULES[self.schedule][1] * self.microbatches + waits)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Around a piece of work: its time is no part of the bubble."""
        with self._timed(self._work):
            yield

    @contextmanager
    def step(self) -> Iterator[None]:
        """Around a step of all that the schedule has."""
        self._add_up()
        with self._timed(self._step):
            yield

    def start_anew(self) -> None:
        """Forget what was timed."""
        self._add_up()
        self.worked = self.stepped = 0.0

    @property
    def bubble(self) -> float | None:
        """The share of its steps' time in which this rank did no work; None before any."""
        self._add_up()
        return 1 - self.worked / self.stepped if self.stepped else None

    def _add_up(self) -> None:
        self.worked += sum(self.timer.seconds(*pair) for pair in self._work)
        self.stepped += sum(self.timer.seconds(*pair) for pair in self._step)
        self._work.clear()
        self._step.clear()

    @contextmanager
    def _timed(self, pairs: list[tuple[object, object]]) -> Iterator[None]:
        start = self.timer.mark()
        yield
        pairs.append((start, self.timer.mark()))

    @property
    def is_first(self) -> bool:
        """Whether the prompt enters here."""
        return self.rank == 0

    @property
    def is_last(self) -> bool:
        """Whether logits come out here."""
        return self.rank == self.ranks - 1

    def peer(self, rank: int) -> int:
        """That rank of the line among all ranks."""
        return dist.get_global_rank(self.group, rank)


def split_layers(split: Split, *, schedule: str, microbatches: int) -> None:
    """Keep only this rank's layers: as stages for training, in one piece for inference."""
    group = split.group("pipeline")
    rank, ranks = dist.get_rank(group), dist.get_world_size(group)
    split.line = line = Line(group, rank, ranks, schedule, microbatches, split.timer)
    layers = len(split.core.blocks)
    if not split.trains:
        _keep(split.core, line, even(layers, ranks)[rank])
        split.parts = [split.core]
        return
    own = range(rank, line.stage_count, ranks)
    shares = even(layers, line.stage_count)
    split.parts = [
        Stage(split, shares[one], first=one == 0, last=one == line.stage_count - 1) for one in own
    ]
    _keep(split.core, line, chain.from_iterable(shares[one] for one in own))


def _keep(core: Transformer, line: Line, layers: Iterable[int]) -> None:
    """Let go of what other ranks have: the embedding is the first one's, the head the last's."""
    blocks = blocks_of(core)
    core.blocks = nn.ModuleList(blocks[layer] for layer in layers)
    # The table of positions is small, and what a decode state takes its kind of numbers from.
    others = [] if line.is_first else ["wte"]
    others += [] if line.is_last else ["ln_f", "head"]
    for name in others:
        setattr(core, name, nn.Identity())


def even(layers: int, stages: int) -> list[range]:
    """Layers cut as evenly as they can be, earlier stages having one more."""
    cuts = [-(-layers * stage // stages) for stage in range(stages + 1)]
    return [range(*pair) for pair in pairwise(cuts)]


def scheduled(split: Split, line: Line) -> Any:
    """Torch's schedule over the stages as they stand now, wrapped by whatever."""
    kind, per_rank = SCHEDULES[line.schedule]
    stages = [
        _Timed(
            part, line.rank + index * line.ranks, line.stage_count, split.device, group=line.group
        ).of(line)
        for index, part in enumerate(split.parts)
    ]
    made = get_schedule_class(kind)

    def loss_of(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        with line.working():
            return cross_entropy(logits.flatten(0, 1), targets.flatten())

    return made(
        stages if per_rank > 1 else stages[0],
        line.microbatches,
        loss_fn=loss_of,
    )


class _Timed(PipelineStage):
    """A stage that tells its line when it works."""

    def of(self, line: Line) -> Self:
        self._line = line
        return self

    def forward_one_chunk(self, *given: Any, **options: Any) -> Any:
        with self._line.working():
            return super().forward_one_chunk(*given, **options)

    def backward_one_chunk(self, *given: Any, **options: Any) -> Any:
        with self._line.working():
            return super().backward_one_chunk(*given, **options)

    def backward_weight_one_chunk(self, *given: Any, **options: Any) -> Any:
        with self._line.working():
            return super().backward_weight_one_chunk(*given, **options)


def tie(split: Split, line: Line) -> None:
    """The first and the last stage hold the same matrix: add what each learned of it."""
    if not split.core.shape.tied or not (line.is_first or line.is_last):
        return
    local = _tied_gradient(split, "wte" if line.is_first else "head")
    other = line.peer(line.ranks - 1 if line.is_first else 0)
    mine, theirs = local.contiguous(), torch.empty_like(local).contiguous()
    swap = [
        dist.P2POp(dist.isend, mine, other, line.group),
        dist.P2POp(dist.irecv, theirs, other, line.group),
    ]
    for work in dist.batch_isend_irecv(swap if line.is_first else swap[::-1]):
        work.wait()
    local.add_(theirs)


def _tied_gradient(split: Split, end: str) -> torch.Tensor:
    """This rank's part of it, lying as the parameter does."""
    # Looked up by name: FSDP puts parameters of its own in the place of those that were there.
    named = (one for part in split.parts for one in part.named_parameters())
    parameter = next(one for name, one in named if name.endswith(f"{end}.weight"))
    gradient = parameter.grad
    assert gradient is not None
    if isinstance(parameter, DTensor):
        assert isinstance(gradient, DTensor)
        gradient = gradient.redistribute(placements=parameter.placements)
        parameter.grad = gradient
        return gradient.to_local()
    return gradient


def passed(
    split: Split,
    line: Line,
    tokens: torch.Tensor,
    state: DecodeState,
    positions: torch.Tensor | None,
) -> torch.Tensor | None:
    """Through the stages of all ranks, without gradients: logits of the last token on the last."""
    core, past = split.core, state.position
    length = tokens.shape[1] if positions is None else len(positions)
    if line.is_first:
        x = core.embedded(tokens, past, positions)
    else:
        width = (tokens.shape[0], length, core.shape.d_model)
        dtype = next(core.parameters()).dtype
        x = torch.empty(width, device=split.device, dtype=dtype)
        dist.recv(x, line.peer(line.rank - 1), group=line.group)
    blocks: list[Block] = blocks_of(core)
    for block, layer in zip(blocks, state.layers, strict=True):
        x = block(x, layer, past)
    if not line.is_last:
        dist.send(x.contiguous(), line.peer(line.rank + 1), group=line.group)
        return None
    return core.scored(x, last_only=True)
