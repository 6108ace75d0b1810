"""Checks that the measured model computes what it should, outside the timed part.

A session has three kinds of output, and each is checked: the logits of every position of a prompt;
the logits of a prompt's last position and of the tokens decoded after it, one at a time; and, from
a runtime that gives no logits, the tokens that it predicts.
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
from harness.worker.probe import probe_tokens, relative_error, require_finite

# The last tokens of the probe, which are decoded one at a time.
_DECODED = 8
# A correct runtime must predict the same token if that token leads by more than this, in logits.
_CLEAR = 1e-3
NO_LOGITS = "not measurable: this runtime gives no logits"


def check_last_output(output: torch.Tensor | None) -> None:
    """Raises HarnessError if the last output of an iteration, logits or a loss, is not finite.

    None means that another rank has the output.
    """
    if output is not None:
        require_finite(output, "the last outputs of the model")


@dataclass(frozen=True)
class Outputs:
    """A session's outputs for the probe tokens."""

    logits: torch.Tensor | None  # [1, T, V], or None if the runtime gives none
    # [B, 1, V] each: of the prompt's last position, then of each token decoded after it
    decoded: tuple[torch.Tensor | None, ...]
    predicted: torch.Tensor | None  # [B, 1] ids: the token predicted at the end
    scores: tuple[Score, ...] = ()


@dataclass(frozen=True)
class Findings:
    """What the checks have measured."""

    facts: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


def outputs_of(job: Job, session: Session, device: torch.device) -> Outputs:
    """The open session's outputs. Replaces its decode state."""
    backend, shape = backends.registry.of(job.cell.backend), shape_of(job.cell.model)
    tokens = probe_tokens(shape, job.seed)
    with session.running(trains=False):
        logits = session.logits(tokens)
        # The built-in model on the reference backend is itself the reference. A factory's model is
        # still decoded: its decode state is checked against its logits for the whole prompt.
        if backend.reference and not job.cell.factory:
            return Outputs(logits, (), None)
        outputs = _decoded_outputs(session, shape, tokens)
    return replace(outputs, logits=logits, scores=_scores(job, session, device))


def outputs_of_whole_model(job: Job, device: torch.device) -> Outputs:
    """The outputs of a newly opened model, for a round that has split or trained its own."""
    whole = replace(job, cell=job.cell.replace(parallelism=()))
    with closing(open_cell(whole, device).session) as session:
        return outputs_of(whole, session, device)


def check_outputs(job: Job, outputs: Outputs, device: torch.device) -> Findings:
    """Compares the outputs with eager torch on the same weights, and with the dense fp32 model.

    Raises HarnessError if the outputs are not finite, if their error against eager exceeds the
    precision's tolerance, or if they predict another token where eager's has a clear lead.
    """
    cell, shape = job.cell, shape_of(job.cell.model)
    backend = backends.registry.of(cell.backend)
    if outputs.logits is not None:
        require_finite(outputs.logits, "the model's logits")
    if cell.factory and not cell.compression:
        _check_decode_state(cell, outputs)
    if not backend.reference:
        _check_against_eager(cell, outputs, _eager_outputs(job, shape, device))
    lossy = cell.precision.name != "fp32" or bool(cell.compression)
    # On the reference backend, preparing the model has already measured its quality.
    if not job.quality or (backend.reference and (job.artifact or not lossy)):
        return Findings()
    if outputs.logits is None:
        return Findings(notes=dict.fromkeys(("logit_error", "bits_per_byte"), NO_LOGITS))
    dense = dense_model(job, device)
    expected = TorchSession(dense, dense, device, 1).logits(probe_tokens(shape, job.seed))
    return Findings(facts={"logit_error": relative_error(outputs.logits, expected)})


def _eager_outputs(job: Job, shape: BaseShape, device: torch.device) -> Outputs:
    opening, _ = opening_of(replace(job, cell=job.cell.replace(parallelism=())), device)
    core = opening.load()
    session = TorchSession(core, core, device, opening.batch)
    tokens = probe_tokens(shape, job.seed)
    with session.running(trains=False):
        outputs = _decoded_outputs(session, shape, tokens)
        return replace(outputs, logits=session.logits(tokens))


def _decoded_outputs(session: Session, shape: BaseShape, tokens: torch.Tensor) -> Outputs:
    """Reads the probe tokens into every sequence: first a prompt, then the rest one by one."""
    length = tokens.shape[1]
    further = min(_DECODED, length - 1) if shape.generates and session.decodes else 0
    prompt = length - further
    # Decoded tokens may take room in the context beside the prompt's: see shape.longest.
    while shape.longest(prompt, further) > shape.context:
        prompt -= 1
    same = tokens.expand(session.batch, -1)
    session.start(prompt + further, further)
    logits, step = [], session.place(same[:, :prompt])
    for position in range(prompt, prompt + further + 1):
        last = position == prompt + further
        output = session.decode(step) if last and shape.generates else session.prefill(step)
        logits.append(session.last_output())
        if not last:
            step = session.place(same[:, [position]])
    return Outputs(None, tuple(logits), session.ids(output) if shape.generates else None)


def _check_against_eager(cell: Cell, ours: Outputs, eager: Outputs) -> None:
    tolerance = PRECISIONS[cell.precision.name].tolerance
    error = _largest_error(ours, eager)
    if error is not None and not error <= tolerance:
        raise HarnessError(
            f"the logits of {cell.backend} differ from eager's: relative error {error:.2g}, above "
            f"{cell.precision}'s tolerance of {tolerance:g}"
        )
    agrees = _predicts_the_same(ours, eager)
    if agrees is False:
        raise HarnessError(f"{cell.backend} predicts other tokens than eager")
    if error is None and agrees is None:
        raise HarnessError(f"{cell.backend} gives neither logits nor tokens to compare")


def _check_decode_state(cell: Cell, outputs: Outputs) -> None:
    """Raises HarnessError if tokens read one by one give other logits than read all at once.

    Not for compressed models: one that quantises by the range of a batch gives other logits for
    one token than for the whole prompt.
    """
    decoded = [logits for logits in outputs.decoded if logits is not None]
    if outputs.logits is None or len(decoded) < 2:
        return
    whole = outputs.logits[:, -len(decoded) :]  # [1, n, V]
    stepped = torch.cat([logits[:1] for logits in decoded], dim=1)
    tolerance = PRECISIONS[cell.precision.name].tolerance
    error = relative_error(stepped, whole)
    if not error <= tolerance:
        raise HarnessError(
            f"{cell.factory}: logits through the decode state differ from those for the whole "
            f"prompt: relative error {error:.2g}, above {cell.precision}'s tolerance of "
            f"{tolerance:g}"
        )


def _largest_error(ours: Outputs, eager: Outputs) -> float | None:
    """The largest relative error of any logits; None if there are none to compare."""
    pairs = [(ours.logits, eager.logits), *zip(ours.decoded, eager.decoded, strict=True)]
    errors = [relative_error(a, b) for a, b in pairs if a is not None and b is not None]
    return max(errors, default=None)


def _predicts_the_same(ours: Outputs, eager: Outputs) -> bool | None:
    """True if our tokens are eager's wherever eager's lead is clear; None without tokens."""
    last = eager.decoded[-1] if eager.decoded else None
    if ours.predicted is None or last is None:
        return None
    best = last.topk(2, dim=-1)  # [B, 1, 2]
    clear = best.values[..., 0] - best.values[..., 1] > _CLEAR
    return bool(((ours.predicted == best.indices[..., 0]) | ~clear).all())


def _scores(job: Job, session: Session, device: torch.device) -> tuple[Score, ...]:
    """The session's scores on held-out text; none if no text can score the model."""
    shape = shape_of(job.cell.model)
    documents = text_of(job).held_out(shape.context) if job.quality and shape.generates else ()
    if not documents:
        return ()
    dense = dense_model(job, device)
    return tuple(scores(session.logits, TorchSession(dense, dense, device, 1).logits, documents))
