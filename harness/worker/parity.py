"""The proof that a split model computes what one process computes.

Training is compared over three optimizer steps: losses, norms of gradients, and all parameters at
the end; inference by its logits. Rank 0 runs the whole model beside its part, so that this is done
apart from what is measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
import torch.distributed as dist
from torch.optim.optimizer import register_optimizer_step_pre_hook

from harness.distributed.driver import mean_over_ranks
from harness.domain.rank import Rank
from harness.domain.result import Status
from harness.scenarios import Scenario
from harness.session.eager import TorchSession
from harness.session.workload import Workload
from harness.worker.messages import Job, Report

TOLERANCE = 1e-4  # in fp32, of every difference that is compared
# The least root mean square that a difference is held against. A bias that starts at zero and whose
# gradient is zero but for rounding is nothing but rounding: in parts of itself it differs wholly.
FLOOR = 1e-2
_STEPS = 3
# Adam moves a parameter whose gradient is mere rounding as far as any other, which no two ways of
# computing agree on: an epsilon above rounding keeps such parameters still.
_RATE, _EPSILON = 1e-3, 1e-6
_FOLLOWING = 3  # tokens decoded behind the prompt

Open = Callable[[Job], tuple[TorchSession, Workload]]


def proved(job: Job, scenario: Scenario, rank: Rank, opened: Open) -> Report:
    """`split_error`: the largest of the differences, each in parts of what one process has."""
    way = _learned if scenario.trains else _answered
    ours = way(*opened(job))
    told: list[Any] = [ours]
    if rank.world > 1:
        told = [None] * rank.world
        dist.gather_object(ours, told if rank.index == 0 else None)
    if rank.index != 0:
        return Report(Status.OK)
    alone = replace(job, cell=job.cell.replace(parallelism=()))
    expected = way(*opened(alone))
    error = greatest(one.away_from(expected) for one in told)
    # What rounds its activations by the range of the batch at hand answers otherwise to a share.
    exact = job.cell.precision.name == "fp32" and not job.cell.compression
    if exact and not error <= TOLERANCE:
        reason = (
            f"split, it computes something else than one process: {error:.2g} away, "
            f"more than {TOLERANCE:g}"
        )
        return Report(Status.FAILED, reason, facts={"split_error": error})
    return Report(Status.OK, facts={"split_error": error})


@dataclass
class _Learned:
    losses: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    parameters: dict[str, torch.Tensor] = field(default_factory=dict)

    def away_from(self, other: _Learned) -> float:
        pairs = [
            *zip(self.losses, other.losses, strict=True),
            *zip(self.norms, other.norms, strict=True),
        ]
        numbers = [difference(torch.tensor([a]), torch.tensor([b])) for a, b in pairs]
        names = self.parameters.keys() & other.parameters
        missing = other.parameters.keys() - names
        assert not missing, f"no rank has {', '.join(sorted(missing))}"
        apart = [difference(self.parameters[name], other.parameters[name]) for name in names]
        return greatest(numbers + apart)


def _learned(session: TorchSession, workload: Workload) -> _Learned:
    told = _Learned()
    tokens = workload.tokens(workload.amounts["prompt"] + 1)
    step, split = session.training_step(tokens, _RATE, _EPSILON), session.split
    norms: list[float] = []

    # A launcher's optimizer steps torch's, once it has averaged: the last look before is the one.
    with _before_steps(lambda: norms.append(split.gradient_norm())):
        for _ in range(_STEPS):
            loss = step()
            told.norms.append(norms[-1])
            if split.mesh is not None:
                told.losses.append(mean_over_ranks(loss))
            else:
                assert loss is not None
                told.losses.append(float(loss))
    told.parameters = {name: one.float() for name, one in split.whole().items()}
    return told


@contextmanager
def _before_steps(look: Callable[[], None]) -> Iterator[None]:
    handle = register_optimizer_step_pre_hook(lambda *_: look())
    try:
        yield
    finally:
        handle.remove()


@dataclass
class _Answered:
    share: int
    batch: int
    # Of the prompt and each token behind it: [B, 1, vocab], None on ranks that have none; the
    # tokens chosen in the end, [B, 1].
    outputs: list[torch.Tensor | None] = field(default_factory=list)
    chosen: torch.Tensor | None = None

    def away_from(self, other: _Answered) -> float:
        own = slice(self.share * self.batch, (self.share + 1) * self.batch)
        pairs = zip(self.outputs, other.outputs, strict=True)
        apart = [
            difference(ours, theirs[own])
            for ours, theirs in pairs
            if ours is not None and theirs is not None
        ]
        last = other.outputs[-1]
        if self.chosen is not None and last is not None:
            logits = last[own].float()
            best = logits.topk(2, dim=-1)
            # Within the tolerance two logits can come this much nearer to each other.
            clear = best.values[..., 0] - best.values[..., 1] > 2 * TOLERANCE * _scale(logits)
            agrees = (self.chosen == best.indices[..., 0]) | ~clear
            apart.append(0.0 if bool(agrees.all()) else float("inf"))
        return greatest(apart)


@torch.no_grad()
def _answered(session: TorchSession, workload: Workload) -> _Answered:
    amounts, generates = workload.amounts, session.core.shape.generates
    further = _FOLLOWING if generates and "generate" in amounts else 0
    prompt = amounts["prompt"]
    tokens = session.place(workload.tokens(prompt + further))
    told = _Answered(session.share, session.batch)
    session.start(prompt + further, further)
    parts = [tokens[:, :prompt], *(tokens[:, [prompt + i]] for i in range(further))]
    for number, part in enumerate(parts):
        if number == len(parts) - 1 and generates:
            told.chosen = session.ids(session.decode(part))
        else:
            session.prefill(part)
        told.outputs.append(session.last_output())
    return told


def greatest(errors: Iterable[float]) -> float:
    """The greatest, infinite where one is no number or there is none: nothing was compared."""
    told = list(errors)
    return math.inf if not told or any(map(math.isnan, told)) else max(told)


def difference(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """The norm of the difference, in parts of the norm of `theirs` or of what FLOOR makes it."""
    return float((ours - theirs).norm()) / _scale(theirs)


def _scale(theirs: torch.Tensor) -> float:
    return max(float(theirs.norm()), FLOOR * math.sqrt(theirs.numel()))
