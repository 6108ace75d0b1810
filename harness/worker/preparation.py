"""Prepares a model: builds it, compresses it, writes its file and scores it.

All rounds of all cells that share the model load the one file.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
from harness.worker.probe import probe_tokens, relative_error, require_finite

if TYPE_CHECKING:
    from harness.model.transformer import Transformer

RANDOM = "not measurable: random weights"
NO_TEXT = "not measurable: the spec names no text for these weights (quality: {corpus: ...})"
_BITS = 8


def drawn(job: Job) -> Report:
    """Writes the file of the job's random dense weights."""
    device = hardware.registry.of(job.cell.hardware).prepare(1)
    model = dense_model(replace(job, dense=""), device)
    keep(cast("Transformer", model), job.dense_file)
    return Report(Status.OK)


def prepared(job: Job) -> Report:
    """Writes the job's file, and reports the model's size, time to compress and quality."""
    cell, path = job.cell, job.model_file
    device = hardware.registry.of(cell.hardware).prepare(1)
    text = text_of(job)
    dense = dense_model(job, device)
    facts = {"dense_parameters": float(parameter_count(dense))}
    start = time.perf_counter()
    model: LanguageModel = dense
    for choice in cell.compression:
        # For a factory's model, the plan admits only entries that take any module.
        model = compression.registry.of(choice).apply(cast("Transformer", model), text)
    if cell.compression:
        facts["compression_time"] = time.perf_counter() - start
    model.to(dtype_of(cell))
    facts["file_bytes"] = float(save(model, path))
    facts["parameters"] = float(parameter_count(model))
    facts["nonzero_parameters"] = float(nonzero_count(model))
    facts["bits_per_weight"] = _BITS * facts["file_bytes"] / facts["dense_parameters"]
    del model, dense
    quality = _quality(job, path, text, device) if job.quality else _Quality()
    return Report(
        Status.OK,
        scores=quality.scores,
        facts={**facts, **quality.facts},
        notes={**quality.notes, **_assumed(job)},
    )


def dtype_of(cell: Cell) -> torch.dtype:
    """The torch type of the cell's precision."""
    dtype: torch.dtype = getattr(torch, PRECISIONS[cell.precision.name].dtype)
    return dtype


def dense_model(
    job: Job, device: torch.device, dtype: torch.dtype = torch.float32
) -> LanguageModel:
    """The uncompressed model, with weights from a file, random weights, or a factory's own."""
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
    """The model that the user's factory builds."""
    from harness.model.factory import built

    assert isinstance(shape, FactoryShape), "a model that is not built in comes from a factory"
    return built(shape, device, dtype, seed)


def _assumed(job: Job) -> dict[str, str]:
    """A note on what the harness assumes about the model because its files leave it open."""
    shape = shape_of(job.cell.model)
    if not isinstance(shape, Shape) or shape.weights in {"", TRAINED}:
        return {}
    assumed = assumption(job.file(shape.weights), shape)
    return {ASSUMED: assumed} if assumed else {}


def loaded(cell: Cell, path: Path, device: torch.device) -> LanguageModel:
    """The prepared model, loaded from its file."""
    layers = compression.layers_of(compression.registry[choice.name] for choice in cell.compression)
    if cell.factory:
        return load_of_factory(path, device, dtype_of(cell), layers)
    operator = operators.registry.of(cell.operator)
    return load(path, operator.mixer, device, operator.unmasked, layers)


def text_of(job: Job) -> Text:
    """The text for calibration and scoring: a corpus, the generated language, or random tokens."""
    shape = shape_of(job.cell.model)
    if shape.corpus:
        tokenizer = job.file(shape.tokenizer) if shape.tokenizer else None
        return CorpusText(job.file(shape.corpus), tokenizer, shape.vocab)
    trained = isinstance(shape, Shape) and shape.weights == TRAINED
    return GeneratedText() if trained else RandomText(shape.vocab)


@dataclass(frozen=True)
class _Quality:
    scores: tuple[Score, ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


def _quality(job: Job, path: Path, text: Text, device: torch.device) -> _Quality:
    """The quality of the model in the file, compared with the dense model in fp32."""
    cell = job.cell
    dense, model = dense_model(job, device), loaded(cell, path, device)
    ours, theirs = (TorchSession(core, core, device, 1) for core in (model, dense))
    tokens = probe_tokens(model.shape, job.seed)
    logits = ours.logits(tokens)
    require_finite(logits, "the model's logits")
    facts = {}
    if cell.compression or cell.precision.name != "fp32":
        facts["logit_error"] = relative_error(logits, theirs.logits(tokens))
    documents = text.held_out(model.shape.context) if model.shape.generates else ()
    if documents:
        return _Quality(tuple(scores(ours.logits, theirs.logits, documents)), facts)
    return _Quality(facts=facts, notes={"bits_per_byte": why_unscored(model.shape)})


def why_unscored(shape: BaseShape) -> str:
    """Why no text can score the model."""
    return NO_TEXT if shape.may_know_text else RANDOM
