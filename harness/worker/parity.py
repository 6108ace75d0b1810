"""The parity check: a split model must compute what one process computes.

Training compares losses and gradient norms over three optimizer steps, and all parameters at the
end. Inference compares logits and the predicted tokens. Rank 0 opens the whole model beside its
part, so the check is a job of its own, apart from what is measured.
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

TOLERANCE = 1e-4  # the largest relative error that passes, in fp32
# The least root mean square that a difference is divided by. A bias that starts at zero and has a
# zero gradient holds nothing but rounding: without the floor, its relative error would be about 1.
FLOOR = 1e-2
_STEPS = 3
# Adam moves a parameter whose gradient is mere rounding as far as any other, and no two ways of
# computing agree on rounding. An epsilon above rounding keeps such parameters still.
_RATE, _EPSILON = 1e-3, 1e-6
_DECODED = 3  # tokens decoded after the prompt

Open = Callable[[Job], tuple[TorchSession, Workload]]


def parity_report(job: Job, scenario: Scenario, rank: Rank, opened: Open) -> Report:
    """Reports `split_error`, the largest relative error of any rank against one process.

    In fp32 without compression, an error above TOLERANCE fails the cell.
    """
    compute = _training_outputs if scenario.trains else _inference_outputs
    ours = compute(*opened(job))
    ranks: list[Any] = [ours]
    if rank.world > 1:
        ranks = [None] * rank.world
        dist.gather_object(ours, ranks if rank.index == 0 else None)
    if rank.index != 0:
        return Report(Status.OK)
    alone = replace(job, cell=job.cell.replace(parallelism=()))
    expected = compute(*opened(alone))
    error = largest(one.error_against(expected) for one in ranks)
    # Compression that quantises activations by the range of the whole batch differs for a shard.
    exact = job.cell.precision.name == "fp32" and not job.cell.compression
    if exact and not error <= TOLERANCE:
        reason = (
            f"the split model differs from one process: relative error {error:.2g}, above the "
            f"tolerance of {TOLERANCE:g}"
        )
        return Report(Status.FAILED, reason, facts={"split_error": error})
    return Report(Status.OK, facts={"split_error": error})


@dataclass
class _TrainingOutputs:
    losses: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)  # of the gradients, a step each
    parameters: dict[str, torch.Tensor] = field(default_factory=dict)

    def error_against(self, expected: _TrainingOutputs) -> float:
        pairs = [
            *zip(self.losses, expected.losses, strict=True),
            *zip(self.norms, expected.norms, strict=True),
        ]
        numbers = [scaled_error(torch.tensor([a]), torch.tensor([b])) for a, b in pairs]
        names = self.parameters.keys() & expected.parameters
        missing = expected.parameters.keys() - names
        assert not missing, f"no rank has {', '.join(sorted(missing))}"
        tensors = [scaled_error(self.parameters[n], expected.parameters[n]) for n in names]
        return largest(numbers + tensors)


def _training_outputs(session: TorchSession, workload: Workload) -> _TrainingOutputs:
    outputs = _TrainingOutputs()
    tokens = workload.tokens(workload.amounts["prompt"] + 1)
    step, split = session.training_step(tokens, _RATE, _EPSILON), session.split
    norms: list[float] = []

    # A launcher's optimizer averages gradients and then calls torch's, so a step may call the hook
    # twice: the last norm is that of the averaged gradients.
    with _before_optimizer_steps(lambda: norms.append(split.gradient_norm())):
        for _ in range(_STEPS):
            loss = step()
            outputs.norms.append(norms[-1])
            if split.mesh is not None:
                outputs.losses.append(mean_over_ranks(loss))
            else:
                assert loss is not None
                outputs.losses.append(float(loss))
    outputs.parameters = {name: one.float() for name, one in split.whole().items()}
    return outputs


@contextmanager
def _before_optimizer_steps(hook: Callable[[], None]) -> Iterator[None]:
    handle = register_optimizer_step_pre_hook(lambda *_: hook())
    try:
        yield
    finally:
        handle.remove()


@dataclass
class _InferenceOutputs:
    share: int
    batch: int
    # Logits [B, 1, vocab] of the prompt and of each token after it; None on ranks without them.
    logits: list[torch.Tensor | None] = field(default_factory=list)
    predicted: torch.Tensor | None = None  # [B, 1]: the tokens predicted at the end

    def error_against(self, expected: _InferenceOutputs) -> float:
        own = slice(self.share * self.batch, (self.share + 1) * self.batch)
        errors = [
            scaled_error(ours, theirs[own])
            for ours, theirs in zip(self.logits, expected.logits, strict=True)
            if ours is not None and theirs is not None
        ]
        last = expected.logits[-1]
        if self.predicted is not None and last is not None:
            logits = last[own].float()
            best = logits.topk(2, dim=-1)
            # Within the tolerance, the gap between two logits can shrink by this much.
            clear = best.values[..., 0] - best.values[..., 1] > 2 * TOLERANCE * _scale(logits)
            agrees = (self.predicted == best.indices[..., 0]) | ~clear
            errors.append(0.0 if bool(agrees.all()) else float("inf"))
        return largest(errors)


@torch.no_grad()
def _inference_outputs(session: TorchSession, workload: Workload) -> _InferenceOutputs:
    amounts, generates = workload.amounts, session.core.shape.generates
    further = _DECODED if generates and "generate" in amounts else 0
    prompt = amounts["prompt"]
    tokens = session.place(workload.tokens(prompt + further))
    outputs = _InferenceOutputs(session.share, session.batch)
    session.start(prompt + further, further)
    parts = [tokens[:, :prompt], *(tokens[:, [prompt + i]] for i in range(further))]
    for number, part in enumerate(parts):
        if number == len(parts) - 1 and generates:
            outputs.predicted = session.ids(session.decode(part))
        else:
            session.prefill(part)
        outputs.logits.append(session.last_output())
    return outputs


def largest(errors: Iterable[float]) -> float:
    """The largest error; infinite if one is NaN, or if there is none: nothing was compared."""
    known = list(errors)
    return math.inf if not known or any(map(math.isnan, known)) else max(known)


def scaled_error(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """The norm of the difference over the norm of `theirs`, or over FLOOR's if that is larger."""
    return float((ours - theirs).norm()) / _scale(theirs)


def _scale(theirs: torch.Tensor) -> float:
    return max(float(theirs.norm()), FLOOR * math.sqrt(theirs.numel()))
