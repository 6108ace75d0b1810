"""Model files that are made once and then loaded: reference models and prepared models."""

from __future__ import annotations

import fcntl
import json
import math
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import IO, Self

import psutil

from harness import backends, hardware, operators
from harness.dispatch.drive import Steps
from harness.dispatch.steps import round_steps, single_job
from harness.domain.cell import Cell, Choice
from harness.domain.result import Round, Status
from harness.domain.run import Environment, Host
from harness.errors import ProcessLost, TrainingError, UsageError
from harness.model import cost
from harness.model.architectures import dimensions_of, shape_of
from harness.model.layout import assumption
from harness.model.shape import Shape
from harness.plan.expect import Span, training_time
from harness.plan.plan import Planned
from harness.process import identity, is_alive
from harness.quality.recipe import TRAINED, Recipe
from harness.streamed import lines
from harness.worker.messages import Job

_TRAINING_TIMEOUT = 3600.0  # seconds
_POLL_SECONDS = 0.1
_TRAINER = "harness.worker.trainer"
# Random dense weights of at least this size are drawn once, rather than by every round.
_LARGE_BYTES = 40_000_000
_SHARE = 0.25  # of the free disk space and memory, for one model's dense weights


@dataclass(frozen=True)
class Step:
    """Progress of training a reference model, reported after each step."""

    model: str
    done: int
    steps: int
    loss: float  # bits per byte
    seconds_left: float


def cache() -> Path:
    """The folder that models are kept in: $HARNESS_CACHE, else the user's cache folder."""
    given = os.environ.get("HARNESS_CACHE")
    if given:
        return Path(given)
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else _home() / ".cache") / "harness"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError as error:
        raise UsageError(
            "this user has no home folder to keep models in: set HARNESS_CACHE to a folder"
        ) from error


def require_cache(items: Iterable[Planned]) -> None:
    """Raises UsageError if one of these cells needs the cache and the cache cannot be written."""
    folder = cache()
    if not any(item.cell.is_prepared for item in items):
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(
            f"models cannot be kept in {folder}: {error.strerror}; "
            "set HARNESS_CACHE to another folder"
        ) from error


def is_trained(cell: Cell) -> bool:
    """True if the harness trains the cell's model itself."""
    return dict(cell.model.options).get("weights") == TRAINED


def recipes(
    items: Iterable[Planned], host: Host, environment: Environment
) -> Mapping[Choice, Recipe]:
    """The recipe, on this host, of each model that the harness trains itself."""
    models = dict.fromkeys(item.cell.model for item in items if is_trained(item.cell))
    return {model: _recipe(model, host, environment) for model in models}


def assumptions(items: Iterable[Planned]) -> tuple[str, ...]:
    """What the harness assumes about models whose weight files leave it open, a sentence each."""
    sentences: dict[str, None] = {}  # a set that keeps its order
    for item in items:
        shape = shape_of(item.cell.model)
        if not isinstance(shape, Shape):
            continue
        file = item.weights.get(shape.weights)
        if file and (assumed := assumption(Path(file), shape)):
            sentences[f"{item.cell.model}: {assumed}"] = None
    return tuple(sentences)


def untrained(wanted: Mapping[Choice, Recipe]) -> Mapping[Choice, Recipe]:
    """The recipes whose models are not in the cache yet."""
    return {model: recipe for model, recipe in wanted.items() if not _file(recipe).exists()}


def _recipe(model: Choice, host: Host, environment: Environment) -> Recipe:
    bare = {"weights": "", "corpus": "", "tokenizer": ""}
    return Recipe(
        shape=dimensions_of(model).model_copy(update=bare),
        torch=environment.versions.get("torch", ""),
        isa=host.isa,
        threads=host.physical_cores,
    )


def expected_training(recipe: Recipe) -> Span:
    """The seconds that training is expected to take."""
    parameters = cost.parameters(recipe.shape, operators.registry["sdpa"]())
    return training_time(parameters, recipe.steps * recipe.batch * recipe.length, recipe.threads)


def reference(
    model: Choice,
    recipe: Recipe,
    notify: Callable[[Step], None],
    seconds: float = math.inf,
) -> Path:
    """The file of a reference model. Trains the model first if it is not in the cache.

    If two runs want the same model, the first trains it and the second waits. Raises
    TrainingError if training fails, or takes longer than `seconds` with the waiting.
    """
    path = _file(recipe)
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + seconds
    with _locked(path.with_suffix(".lock"), deadline):
        if not path.exists():
            _train(recipe, path, str(model), notify, deadline - time.monotonic())
    return path


def _file(recipe: Recipe) -> Path:
    return cache() / "reference" / f"{recipe.name}.safetensors"


def _train(
    recipe: Recipe, path: Path, model: str, notify: Callable[[Step], None], seconds: float
) -> None:
    order = json.dumps({"recipe": recipe.to_json(), "path": str(path)})
    begin = time.monotonic()
    try:
        # Closed at once, even if `notify` raises, so that no trainer runs on.
        with closing(lines(_TRAINER, order, min(seconds, _TRAINING_TIMEOUT))) as answers:
            for line in answers:
                step, loss = json.loads(line)
                spent = time.monotonic() - begin
                left = spent / (step + 1) * (recipe.steps - step - 1)
                notify(Step(model, step + 1, recipe.steps, loss, left))
    except ProcessLost as error:
        raise TrainingError(f"the reference model could not be trained: {error}") from error
    if not path.exists():
        raise TrainingError("the reference model could not be trained: the trainer wrote no file")


@contextmanager
def _locked(path: Path, deadline: float) -> Iterator[None]:
    with path.open("w") as file:
        if deadline == math.inf:
            fcntl.flock(file, fcntl.LOCK_EX)
        while not _takes(file):
            if time.monotonic() > deadline:
                raise TrainingError("another run still trains the reference model")
            time.sleep(_POLL_SECONDS)
        yield


def _takes(file: IO[str]) -> bool:
    """True if the file's lock is ours."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@dataclass
class Artifacts:
    """The prepared models of one run. A context manager: it deletes its folder at the end."""

    folder: Path = field(default_factory=lambda: cache() / "artifacts" / _own_name())
    paths: dict[str, str] = field(default_factory=dict)  # by digest: files from outside the folder
    _prepared: dict[str, Round] = field(default_factory=dict)  # preparation rounds, by file name
    _kept: dict[str, bool] = field(default_factory=dict)  # by file name: whether there was room
    _preparing: set[str] = field(default_factory=set)  # names of files that a job now prepares

    def __enter__(self) -> Self:
        _sweep(self.folder.parent)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def located(self, job: Job) -> Job:
        """The job, with the path on this host of each file that it names."""
        files = {digest: self.paths[digest] for digest in job.weights.values()}
        for name in filter(None, (job.artifact, job.dense)):
            files[name] = str(self.folder / f"{name}.safetensors")
        return replace(
            job, files=files, cache=str(self.folder / "compiled" / job.build / job.cell.id)
        )

    def steps(self, item: Planned, job: Job, notify: Callable[[Planned], None]) -> Steps:
        """The jobs of one round of the cell. The first round to need a model prepares it.

        A cell whose model cannot be prepared gets the preparation's status.
        """
        name = _dense_name(job)
        if _is_slow_to_draw(job.cell) and self._keeps(name, job.cell):
            drawn = yield from self._once(name, replace(job, dense=name, prepares=True))
            if drawn.status is Status.OK:  # else each round draws them, and says what went wrong
                job = replace(job, dense=name)
        if not item.cell.is_prepared:
            return (yield from round_steps(job))
        name = _file_name(item, job)
        if name not in self._prepared and name not in self._preparing:
            notify(item)
        prepared = yield from self._once(
            name, replace(job, quality=item.measure.quality, artifact=name, prepares=True)
        )
        if prepared.status is not Status.OK:
            return replace(prepared, index=job.index)
        measured = yield from round_steps(replace(job, artifact=name))
        first = job.index == item.rounds_done and measured.status is Status.OK
        return _with_preparation(measured, prepared, item.cell) if first else measured

    def _once(self, name: str, preparation: Job) -> Steps:
        """The round of the job that makes the file, by whichever round asked for it first."""
        while name in self._preparing:
            yield None
        if name not in self._prepared:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._preparing.add(name)
            try:
                self._prepared[name] = yield from single_job(preparation)
            finally:
                self._preparing.discard(name)
        return self._prepared[name]

    def _keeps(self, name: str, cell: Cell) -> bool:
        """True if there is room for the dense weights; the same for all rounds of the run."""
        fits = _dense_bytes(cell) <= _SHARE * room(self.folder)
        return self._kept.setdefault(name, fits)


def room(folder: Path) -> int:
    """Bytes that a file may take there and stay in memory for the rounds that read it.

    None at all if the folder cannot be made: random weights can be drawn without one.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return 0
    return min(shutil.disk_usage(folder).free, psutil.virtual_memory().available)


def _is_slow_to_draw(cell: Cell) -> bool:
    """True for a large random model on a processor; a GPU draws its own quickly."""
    return (
        not cell.factory
        and not cell.is_weighted
        and hardware.registry.of(cell.hardware).kind == "cpu"
        and _dense_bytes(cell) >= _LARGE_BYTES
    )


def _dense_bytes(cell: Cell) -> int:
    """In fp32."""
    operator = operators.registry.of(cell.operator)
    return 4 * cost.parameters(dimensions_of(cell.model), operator)


def _dense_name(job: Job) -> str:
    """The same for all cells with the same dense weights."""
    content = job.cell.content()
    parts = ["dense", content["model"], content["operator"], job.seed, job.build]
    text = json.dumps(parts, sort_keys=True)
    return sha256(text.encode()).hexdigest()[:16]


def _with_preparation(measured: Round, prepared: Round, cell: Cell) -> Round:
    """The cell's first round, with the facts and notes of preparing its model.

    The preparation judges quality on the reference backend. A cell on another backend keeps only
    the quality that its own runtime measured.
    """
    notes = {**prepared.notes, **measured.notes}
    if backends.registry[cell.backend.name].reference:
        facts = {**prepared.facts, **measured.facts}
        return replace(measured, facts=facts, notes=notes, scores=prepared.scores)
    of_model = {name: value for name, value in prepared.facts.items() if name != "logit_error"}
    return replace(measured, facts={**of_model, **measured.facts}, notes=notes)


def _file_name(item: Planned, job: Job) -> str:
    """The same for all cells that share the model, whatever their scenario and backend."""
    content = item.cell.content()
    axes = ("model", "hardware", "compression", "operator", "precision")
    shared = {axis: content[axis] for axis in axes}
    text = json.dumps([shared, job.seed, item.measure.quality, job.build], sort_keys=True)
    return sha256(text.encode()).hexdigest()[:16]


def _own_name() -> str:
    pid, started = identity()
    return f"{pid}-{started}"


def _sweep(folder: Path) -> None:
    """Deletes the folders that killed runs left behind."""
    for other in folder.glob("*-*"):
        pid, _, started = other.name.partition("-")
        with suppress(ValueError):  # not a run's folder: leave it alone
            if not is_alive(int(pid), float(started)):
                shutil.rmtree(other, ignore_errors=True)
