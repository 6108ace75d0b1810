"""The child's side of preparing a model: build, compress, write, judge.

Done once for all rounds of all cells that share the model; each round then loads the file.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import torch

from harness import compression, hardware, operators
from harness.domain.cell import Cell
from harness.domain.precision import PRECISIONS
from harness.domain.result import ASSUMED, Score, Status
from harness.model.architectures import shape_of
from harness.model.artifact import load, save
from harness.model.build import build
from harness.model.layout import assumption
from harness.model.measure import nonzero_count, parameter_count
from harness.model.transformer import Transformer
from harness.model.weights import load_gpt2_layout
from harness.quality.evaluate import scores
from harness.quality.recipe import TRAINED
from harness.quality.text import CorpusText, GeneratedText, RandomText, Text
from harness.session.eager import TorchSession
from harness.worker.messages import Job, Report
from harness.worker.probe import distance, probe_tokens, require_finite

RANDOM = "not measurable: random weights"
_BITS = 8


def prepared(job: Job) -> Report:
    """Make the job's file; what that took, and what the model in it is worth."""
    cell, path = job.cell, job.model_file
    device = hardware.registry.of(cell.hardware).prepare(1)
    dtype: torch.dtype = getattr(torch, PRECISIONS[cell.precision.name].dtype)
    text = text_of(job)
    dense = dense_model(job, device)
    facts = {"dense_parameters": float(parameter_count(dense))}
    start = time.perf_counter()
    model = dense
    for choice in cell.compression:
        model = compression.registry.of(choice).apply(model, text)
    if cell.compression:
        facts["compression_time"] = time.perf_counter() - start
    model.to(dtype)
    facts["file_bytes"] = float(save(model, path))
    facts["parameters"] = float(parameter_count(model))
    facts["nonzero_parameters"] = float(nonzero_count(model))
    facts["bits_per_weight"] = _BITS * facts["file_bytes"] / facts["dense_parameters"]
    del model, dense
    judged = _Judged((), {}, {})
    if job.quality:
        judged = _judge(job, path, text, device)
    return Report(
        Status.OK,
        scores=judged.scores,
        facts={**facts, **judged.facts},
        notes={**judged.notes, **_assumed(job)},
    )


def dense_model(job: Job, device: torch.device, dtype: torch.dtype = torch.float32) -> Transformer:
    """The cell's model before any compression: weights from a file, or random."""
    cell = job.cell
    shape, operator = shape_of(cell.model), operators.registry.of(cell.operator)
    core = build(
        shape,
        operator.mixer,
        device=device,
        dtype=dtype,
        seed=job.seed,
        unmasked=operator.unmasked,
    )
    if shape.weights:
        load_gpt2_layout(core, str(job.file(shape.weights)))
    return core


def _assumed(job: Job) -> dict[str, str]:
    """What no file says of the model."""
    shape = shape_of(job.cell.model)
    if shape.weights in {"", TRAINED}:
        return {}
    told = assumption(job.file(shape.weights), shape)
    return {ASSUMED: told} if told else {}


def loaded(cell: Cell, path: Path, device: torch.device) -> Transformer:
    """The prepared model."""
    operator = operators.registry.of(cell.operator)
    layers = compression.layers_of(compression.registry[one.name] for one in cell.compression)
    return load(path, operator.mixer, device, operator.unmasked, layers)


def text_of(job: Job) -> Text:
    """What the cell's model can know: a corpus, the generated language, or nothing."""
    shape = shape_of(job.cell.model)
    if shape.corpus:
        tokenizer = job.file(shape.tokenizer) if shape.tokenizer else None
        return CorpusText(job.file(shape.corpus), tokenizer, shape.vocab)
    return GeneratedText() if shape.weights == TRAINED else RandomText(shape.vocab)


@dataclass(frozen=True)
class _Judged:
    scores: tuple[Score, ...]
    facts: dict[str, float]
    notes: dict[str, str]


def _judge(job: Job, path: Path, text: Text, device: torch.device) -> _Judged:
    """The model as its file gives it, beside the dense one in fp32."""
    cell = job.cell
    dense, model = dense_model(job, device), loaded(cell, path, device)
    ours, theirs = (TorchSession(one, one, device, 1) for one in (model, dense))
    tokens = probe_tokens(model.shape, job.seed)
    logits = ours.logits(tokens)
    require_finite(logits, "the model's logits")
    facts = {}
    if cell.compression or cell.precision.name != "fp32":
        facts["logit_error"] = distance(logits, theirs.logits(tokens))
    documents = text.held_out(model.shape.context) if model.shape.generates else ()
    if documents and type(model) is Transformer:
        return _Judged(tuple(scores(ours.logits, theirs.logits, documents)), facts, {})
    weighted = bool(shape_of(cell.model).weights)
    why = "not measurable: no text is named for these weights (quality: {corpus: ...})"
    return _Judged((), facts, {"bits_per_byte": why if weighted else RANDOM})
