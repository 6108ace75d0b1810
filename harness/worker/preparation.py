"""The child's side of preparing a model: build, compress, write, judge.

Done once for all rounds of all cells that share the model; each round then loads the file.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch

from harness import compression, hardware, operators
from harness.domain.cell import Cell
from harness.domain.precision import PRECISIONS
from harness.domain.result import ASSUMED, Score, Status
from harness.model.architectures import FactoryShape, shape_of
from harness.model.artifact import load, load_of_factory, save
from harness.model.build import build
from harness.model.drawn import copied, keep
from harness.model.language import LanguageModel
from harness.model.layout import assumption
from harness.model.measure import nonzero_count, parameter_count
from harness.model.shape import BaseShape, Shape
from harness.model.weights import load_gpt2_layout
from harness.quality.evaluate import scores
from harness.quality.recipe import TRAINED
from harness.quality.text import CorpusText, GeneratedText, RandomText, Text
from harness.session.eager import TorchSession
from harness.worker.messages import Job, Report
from harness.worker.probe import distance, probe_tokens, require_finite

if TYPE_CHECKING:
    from harness.model.transformer import Transformer

RANDOM = "not measurable: random weights"
NO_TEXT = "not measurable: no text is named for these weights (quality: {corpus: ...})"
_BITS = 8


def drawn(job: Job) -> Report:
    """Make the file of the job's random dense weights."""
    device = hardware.registry.of(job.cell.hardware).prepare(1)
    model = dense_model(replace(job, dense=""), device)
    keep(cast("Transformer", model), job.dense_file)
    return Report(Status.OK)


def prepared(job: Job) -> Report:
    """Make the job's file; what that took, and what the model in it is worth."""
    cell, path = job.cell, job.model_file
    device = hardware.registry.of(cell.hardware).prepare(1)
    text = text_of(job)
    dense = dense_model(job, device)
    facts = {"dense_parameters": float(parameter_count(dense))}
    start = time.perf_counter()
    model: LanguageModel = dense
    for choice in cell.compression:
        # The plan lets only entries that take any module come to a factory's model.
        model = compression.registry.of(choice).apply(cast("Transformer", model), text)
    if cell.compression:
        facts["compression_time"] = time.perf_counter() - start
    model.to(dtype_of(cell))
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


def dtype_of(cell: Cell) -> torch.dtype:
    """Of the cell's precision."""
    found: torch.dtype = getattr(torch, PRECISIONS[cell.precision.name].dtype)
    return found


def dense_model(
    job: Job, device: torch.device, dtype: torch.dtype = torch.float32
) -> LanguageModel:
    """The cell's model before any compression: weights from a file, random, or a factory's own."""
    cell = job.cell
    shape, operator = shape_of(cell.model), operators.registry.of(cell.operator)
    if not isinstance(shape, Shape):
        return factory_model(shape, device, dtype, job.seed)
    mixer, unmasked = operator.mixer, operator.unmasked
    if job.dense:
        return copied(job.dense_file, shape, mixer, device=device, dtype=dtype, unmasked=unmasked)
    core = build(shape, mixer, device=device, dtype=dtype, seed=job.seed, unmasked=unmasked)
    if shape.weights:
        load_gpt2_layout(core, str(job.file(shape.weights)))
    return core


def factory_model(
    shape: BaseShape, device: torch.device, dtype: torch.dtype, seed: int
) -> LanguageModel:
    """What a user's own function builds."""
    from harness.model.factory import built

    assert isinstance(shape, FactoryShape), "a model is built in, or a factory's"
    return built(shape, device, dtype, seed)


def _assumed(job: Job) -> dict[str, str]:
    """What no file says of the model."""
    shape = shape_of(job.cell.model)
    if not isinstance(shape, Shape) or shape.weights in {"", TRAINED}:
        return {}
    told = assumption(job.file(shape.weights), shape)
    return {ASSUMED: told} if told else {}


def loaded(cell: Cell, path: Path, device: torch.device) -> LanguageModel:
    """The prepared model."""
    layers = compression.layers_of(compression.registry[one.name] for one in cell.compression)
    if cell.factory:
        return load_of_factory(path, device, dtype_of(cell), layers)
    operator = operators.registry.of(cell.operator)
    return load(path, operator.mixer, device, operator.unmasked, layers)


def text_of(job: Job) -> Text:
    """What the cell's model can know: a corpus, the generated language, or nothing."""
    shape = shape_of(job.cell.model)
    if shape.corpus:
        tokenizer = job.file(shape.tokenizer) if shape.tokenizer else None
        return CorpusText(job.file(shape.corpus), tokenizer, shape.vocab)
    trained = isinstance(shape, Shape) and shape.weights == TRAINED
    return GeneratedText() if trained else RandomText(shape.vocab)


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
    if documents:
        return _Judged(tuple(scores(ours.logits, theirs.logits, documents)), facts, {})
    return _Judged((), facts, {"bits_per_byte": unjudged(model.shape)})


def unjudged(shape: BaseShape) -> str:
    """Why no text judges the model."""
    return NO_TEXT if shape.may_know_text else RANDOM
