"""Whether the model that was measured computes what it should. Behind the clock.

A session answers in three ways, and each is compared: the logits of every position of a prompt;
the logits of a prompt's last position and of the tokens decoded behind it, one at a time; and,
from a runtime that gives no logits at all, the tokens that it finds likeliest.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace

import torch

from harness import backends
from harness.domain.cell import Cell
from harness.domain.precision import PRECISIONS
from harness.domain.result import Score
from harness.errors import HarnessError
from harness.model.architectures import shape_of
from harness.model.shape import BaseShape
from harness.quality.evaluate import scores
from harness.session import Session
from harness.session.eager import TorchSession
from harness.worker.messages import Job
from harness.worker.opening import open_cell, opening_of
from harness.worker.preparation import dense_model, text_of
from harness.worker.probe import distance, probe_tokens, require_finite

# Tokens that are decoded one at a time, behind the others of the probe.
_DECODED = 8
# How far the likeliest token must be ahead, in logits, for a correct runtime to have to agree.
_CLEAR = 1e-3
NO_LOGITS = "not measurable: this runtime gives no logits"


def check_output(output: torch.Tensor | None) -> None:
    """HarnessError if what an iteration gave last, logits or a loss, is not finite.

    None is what a rank has whose neighbour holds the output.
    """
    if output is not None:
        require_finite(output, "the last outputs of the model")


@dataclass(frozen=True)
class Answers:
    """What a session answers to the probe."""

    logits: torch.Tensor | None  # [1, T, V], or None if the runtime gives none
    # [B, 1, V] each: of the prompt's last position, then of each token decoded behind it
    decoded: tuple[torch.Tensor | None, ...]
    chosen: torch.Tensor | None  # [B, 1] ids: the likeliest next token in the end
    scores: tuple[Score, ...] = ()


@dataclass(frozen=True)
class Checked:
    """What comparing has found."""

    facts: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


def answered(job: Job, session: Session, device: torch.device) -> Answers:
    """What the open session answers. Its decode state is made anew."""
    backend, shape = backends.registry.of(job.cell.backend), shape_of(job.cell.model)
    tokens = probe_tokens(shape, job.seed)
    with session.running(trains=False):
        logits = session.logits(tokens)
        # The built-in model by the reference has nothing to be compared with but itself; the
        # decode state of a user's own model is compared with its logits of the whole prompt.
        if backend.reference and not job.cell.factory:
            return Answers(logits, (), None)
        found = _decoded(session, shape, tokens)
    return replace(found, logits=logits, scores=_scores(job, session, device))


def answered_anew(job: Job, device: torch.device) -> Answers:
    """The same of a whole model in its first state, where the round split or trained its own."""
    whole = replace(job, cell=job.cell.replace(parallelism=()))
    with closing(open_cell(whole, device).session) as session:
        return answered(whole, session, device)


def checked(job: Job, answers: Answers, device: torch.device) -> Checked:
    """The cell's answers beside those of eager torch on the same weights, and of dense fp32.

    HarnessError if they are not finite, or if the backend computes something else than eager does:
    further off than the precision's tolerance, or with other tokens where these are clear.
    """
    cell, shape = job.cell, shape_of(job.cell.model)
    backend = backends.registry.of(cell.backend)
    if answers.logits is not None:
        require_finite(answers.logits, "the model's logits")
    if cell.factory and not cell.compression:
        _require_true_state(cell, answers)
    if not backend.reference:
        _require_alike(cell, answers, _eager_answers(job, shape, device))
    lossy = cell.precision.name != "fp32" or bool(cell.compression)
    # What the reference's own prepared model is worth is known since it was prepared.
    if not job.quality or (backend.reference and (job.artifact or not lossy)):
        return Checked()
    if answers.logits is None:
        return Checked(notes=dict.fromkeys(("logit_error", "bits_per_byte"), NO_LOGITS))
    dense = dense_model(job, device)
    expected = TorchSession(dense, dense, device, 1).logits(probe_tokens(shape, job.seed))
    return Checked(facts={"logit_error": distance(answers.logits, expected)})


def _eager_answers(job: Job, shape: BaseShape, device: torch.device) -> Answers:
    opening, _ = opening_of(replace(job, cell=job.cell.replace(parallelism=())), device)
    core = opening.load()
    session = TorchSession(core, core, device, opening.batch)
    tokens = probe_tokens(shape, job.seed)
    with session.running(trains=False):
        return replace(_decoded(session, shape, tokens), logits=session.logits(tokens))


def _decoded(session: Session, shape: BaseShape, tokens: torch.Tensor) -> Answers:
    """The probe's tokens, the same for each sequence: a prompt, and the last of them one by one."""
    length = tokens.shape[1]
    further = min(_DECODED, length - 1) if shape.generates and session.decodes else 0
    prompt = length - further
    # What stands behind the prompt has its place in the context, as in shape.longest.
    while shape.longest(prompt, further) > shape.context:
        prompt -= 1
    same = tokens.expand(session.batch, -1)
    session.start(prompt + further, further)
    outputs, step = [], session.place(same[:, :prompt])
    for position in range(prompt, prompt + further + 1):
        last = position == prompt + further
        chosen = session.decode(step) if last and shape.generates else session.prefill(step)
        outputs.append(session.last_output())
        if not last:
            step = session.place(same[:, [position]])
    return Answers(None, tuple(outputs), session.ids(chosen) if shape.generates else None)


def _require_alike(cell: Cell, ours: Answers, eager: Answers) -> None:
    """HarnessError if an answer is further from eager's than the precision's tolerance."""
    tolerance = PRECISIONS[cell.precision.name].tolerance
    error = _apart(ours, eager)
    if error is not None and not error <= tolerance:
        raise HarnessError(
            f"{cell.backend} computes other logits than eager: {error:.2g} of their norm apart, "
            f"more than {cell.precision}'s tolerance of {tolerance:g}"
        )
    agrees = _agrees(ours, eager)
    if agrees is False:
        raise HarnessError(f"{cell.backend} finds other tokens likeliest than eager does")
    if error is None and agrees is None:
        raise HarnessError(f"{cell.backend} gives neither logits nor tokens to compare")


def _require_true_state(cell: Cell, answers: Answers) -> None:
    """HarnessError if tokens read one by one give other logits than all of them at once.

    Compressed models may round a batch by its range, which differs between the two.
    """
    decoded = [one for one in answers.decoded if one is not None]
    if answers.logits is None or len(decoded) < 2:
        return
    whole = answers.logits[:, -len(decoded) :]  # [1, n, V]
    stepped = torch.cat([one[:1] for one in decoded], dim=1)
    tolerance = PRECISIONS[cell.precision.name].tolerance
    error = distance(stepped, whole)
    if not error <= tolerance:
        raise HarnessError(
            f"{cell.factory}: through its decode state it gives other logits than for the whole "
            f"prompt: {error:.2g} of their norm apart, more than {cell.precision}'s tolerance of "
            f"{tolerance:g}"
        )


def _apart(ours: Answers, eager: Answers) -> float | None:
    """The largest distance of any logits, in parts of the norm of eager's; None without logits."""
    pairs = [(ours.logits, eager.logits), *zip(ours.decoded, eager.decoded, strict=True)]
    found = [distance(a, b) for a, b in pairs if a is not None and b is not None]
    return max(found, default=None)


def _agrees(ours: Answers, eager: Answers) -> bool | None:
    """Whether the tokens chosen are eager's, where these have a clear lead; None without tokens."""
    last = eager.decoded[-1] if eager.decoded else None
    if ours.chosen is None or last is None:
        return None
    best = last.topk(2, dim=-1)  # [B, 1, 2]
    clear = best.values[..., 0] - best.values[..., 1] > _CLEAR
    return bool(((ours.chosen == best.indices[..., 0]) | ~clear).all())


def _scores(job: Job, session: Session, device: torch.device) -> tuple[Score, ...]:
    """How well the session tells held-out text, where the model knows any."""
    shape = shape_of(job.cell.model)
    documents = text_of(job).held_out(shape.context) if job.quality and shape.generates else ()
    if not documents:
        return ()
    dense = dense_model(job, device)
    told = scores(session.logits, TorchSession(dense, dense, device, 1).logits, documents)
    return tuple(told)
