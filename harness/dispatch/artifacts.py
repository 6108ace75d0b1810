"""Models that are made once and then loaded: the reference, and what compression makes of it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Self

from harness import backends, operators
from harness.dispatch.drive import Steps
from harness.dispatch.steps import measured, one
from harness.domain.cell import Cell, Choice
from harness.domain.result import Round, Status
from harness.domain.run import Environment, Host
from harness.errors import ProcessLost, TrainingError, UsageError
from harness.model import cost
from harness.model.architectures import dimensions_of, shape_of
from harness.model.layout import assumption
from harness.model.shape import Shape
from harness.plan.expect import Span, training
from harness.plan.plan import Planned
from harness.process import identity, is_alive
from harness.quality.recipe import TRAINED, Recipe
from harness.streamed import lines
from harness.worker.messages import Job

# A training is given up after so long.
_PATIENCE = 3600.0
_TRAINER = "harness.worker.trainer"


@dataclass(frozen=True)
class Step:
    """A step of training a reference model is done."""

    model: str
    done: int
    steps: int
    loss: float  # bits per byte
    seconds_left: float


def cache() -> Path:
    """Where models are kept: $HARNESS_CACHE, else the user's cache folder."""
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
            "this user has no home folder to keep models in: HARNESS_CACHE names another"
        ) from error


def require_cache(items: Iterable[Planned]) -> None:
    """UsageError where one of these cells needs the cache, and it cannot be written."""
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
            "HARNESS_CACHE names another folder"
        ) from error


def is_trained(cell: Cell) -> bool:
    """Whether the cell's model is one that the harness trains itself."""
    return dict(cell.model.options).get("weights") == TRAINED


def recipes(
    items: Iterable[Planned], host: Host, environment: Environment
) -> Mapping[Choice, Recipe]:
    """By model that the harness trains itself, what makes it on this host."""
    models = dict.fromkeys(item.cell.model for item in items if is_trained(item.cell))
    return {model: _recipe(model, host, environment) for model in models}


def assumptions(items: Iterable[Planned]) -> tuple[str, ...]:
    """What no file says of the models with weights, a sentence each."""
    told: dict[str, None] = {}
    for item in items:
        shape = shape_of(item.cell.model)
        if not isinstance(shape, Shape):
            continue
        file = item.weights.get(shape.weights)
        if file and (assumed := assumption(Path(file), shape)):
            told[f"{item.cell.model}: {assumed}"] = None
    return tuple(told)


def untrained(wanted: Mapping[Choice, Recipe]) -> Mapping[Choice, Recipe]:
    """Those that are not in the cache yet."""
    return {model: one for model, one in wanted.items() if not _file(one).exists()}


def _recipe(model: Choice, host: Host, environment: Environment) -> Recipe:
    bare = {"weights": "", "corpus": "", "tokenizer": ""}
    return Recipe(
        shape=dimensions_of(model).model_copy(update=bare),
        torch=environment.versions.get("torch", ""),
        isa=host.isa,
        threads=host.physical_cores,
    )


def expected_training(made_by: Recipe) -> Span:
    """Seconds that training takes."""
    parameters = cost.parameters(made_by.shape, operators.registry["sdpa"]())
    return training(parameters, made_by.steps * made_by.batch * made_by.length, made_by.threads)


def reference(model: Choice, made_by: Recipe, tell: Callable[[Step], None]) -> Path:
    """The file of a reference model, trained now unless it was before.

    Two runs that want the same one train it once: the second waits. TrainingError where training
    ends before it is done.
    """
    path = _file(made_by)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path.with_suffix(".lock")):
        if not path.exists():
            _train(made_by, path, str(model), tell)
    return path


def _file(made_by: Recipe) -> Path:
    return cache() / "reference" / f"{made_by.name}.safetensors"


def _train(made_by: Recipe, path: Path, model: str, tell: Callable[[Step], None]) -> None:
    order = json.dumps({"recipe": made_by.to_json(), "path": str(path)})
    begin = time.monotonic()
    try:
        for line in lines(_TRAINER, order, _PATIENCE):
            step, loss = json.loads(line)
            spent = time.monotonic() - begin
            left = spent / (step + 1) * (made_by.steps - step - 1)
            tell(Step(model, step + 1, made_by.steps, loss, left))
    except ProcessLost as error:
        raise TrainingError(f"the reference model could not be trained: {error}") from error
    if not path.exists():
        raise TrainingError("the reference model could not be trained: it left no file")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@dataclass
class Artifacts:
    """The prepared models of one run, in a folder that goes with it. A context manager."""

    folder: Path = field(default_factory=lambda: cache() / "artifacts" / _mine())
    paths: dict[str, str] = field(default_factory=dict)  # of files from elsewhere, by digest
    _told: dict[str, Round] = field(default_factory=dict)  # by file name
    _making: set[str] = field(default_factory=set)  # files that a job in flight prepares

    def __enter__(self) -> Self:
        _sweep(self.folder.parent)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def located(self, job: Job) -> Job:
        """The job with this host's paths of the files it names."""
        files = {digest: self.paths[digest] for digest in job.weights.values()}
        if job.artifact:
            files[job.artifact] = str(self.folder / f"{job.artifact}.safetensors")
        return replace(job, files=files, cache=str(self.folder / "compiled" / job.cell.id))

    def steps(self, item: Planned, job: Job, tell: Callable[[Planned], None]) -> Steps:
        """The cell's round, its model prepared before the first one that wants it.

        A cell whose model cannot be prepared gets the preparation's status.
        """
        if not item.cell.is_prepared:
            return (yield from measured(job))
        name = _name(item, job)
        while name in self._making:
            yield None
        if name not in self._told:
            tell(item)
            self.folder.mkdir(parents=True, exist_ok=True)
            asked = replace(job, quality=item.measure.quality, artifact=name, prepares=True)
            self._making.add(name)
            try:
                self._told[name] = yield from one(asked)
            finally:
                self._making.discard(name)
        made = self._told[name]
        if made.status is not Status.OK:
            return replace(made, index=job.index)
        found = yield from measured(replace(job, artifact=name))
        first = job.index == item.rounds_done and found.status is Status.OK
        return _with_what_is_known(found, made, item.cell) if first else found


def _with_what_is_known(found: Round, made: Round, cell: Cell) -> Round:
    """A cell's first round tells what preparing its model told: it was done once.

    The prepared model was judged by the reference backend. Another one's quality is its own, or
    unknown where its runtime does not tell.
    """
    notes = {**made.notes, **found.notes}
    if backends.registry[cell.backend.name].reference:
        return replace(found, facts={**made.facts, **found.facts}, notes=notes, scores=made.scores)
    of_model = {name: value for name, value in made.facts.items() if name != "logit_error"}
    return replace(found, facts={**of_model, **found.facts}, notes=notes)


def _name(item: Planned, job: Job) -> str:
    """Alike for cells that share the model: what it is made to do is no part of it."""
    content = item.cell.content()
    axes = ("model", "hardware", "compression", "operator", "precision")
    shared = {axis: content[axis] for axis in axes}
    told = json.dumps([shared, job.seed, item.measure.quality], sort_keys=True)
    return sha256(told.encode()).hexdigest()[:16]


def _mine() -> str:
    pid, started = identity()
    return f"{pid}-{started}"


def _sweep(folder: Path) -> None:
    """Take away what runs left that were killed."""
    for other in folder.glob("*-*"):
        pid, _, started = other.name.partition("-")
        with suppress(ValueError):  # a folder of another's making is left alone
            if not is_alive(int(pid), float(started)):
                shutil.rmtree(other, ignore_errors=True)
