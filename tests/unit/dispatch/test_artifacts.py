"""Models that are made once: found again, waited for, swept, and told where they fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.dispatch import artifacts, run
from harness.dispatch.artifacts import Artifacts, Step
from harness.domain.cell import Cell, Choice
from harness.domain.result import Round, Score, Status
from harness.domain.run import Commit, Environment, Host
from harness.errors import ProcessLost, TrainingError
from harness.pipeline import Prepared
from harness.plan.plan import Action, Plan, Planned
from harness.quality import recipe
from harness.spec.settings import Limits, Measure
from harness.worker.messages import Effort, Job
from tests.in_turn import answered

Make = Callable[..., Planned]
MODEL = Choice("decoder", (("d_model", 64), ("heads", 2), ("layers", 2), ("weights", "trained")))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def planned(make_cell: Callable[..., Cell]) -> Make:
    def made(**changes: object) -> Planned:
        cell = make_cell(**{"model": MODEL, **changes})
        return Planned(cell, Action.MEASURE, "", Measure(), Limits(), ())

    return made


def ignore(*_: object) -> None:
    return None


def job(item: Planned, index: int = 0) -> Job:
    return Job(item.cell, index, 0, Effort(0.1, 1, 1), quality=False)


def test_two_runs_train_the_same_model_once(
    planned: Make, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second waits, and finds what the first made."""
    trained: list[str] = []

    def train(made_by: object, path: Path, model: str, tell: object) -> None:
        trained.append(model)
        time.sleep(0.3)
        path.write_text("weights")

    monkeypatch.setattr(artifacts, "_train", train)
    (made_by,) = artifacts.recipes([planned()], host, Environment({"torch": "2"})).values()
    assert list(artifacts.untrained({MODEL: made_by})) == [MODEL]
    found: list[str] = []

    def run() -> None:
        found.append(artifacts.reference(MODEL, made_by, ignore).read_text())

    runs = [threading.Thread(target=run) for _ in range(3)]
    for one in runs:
        one.start()
    for one in runs:
        one.join()
    assert (trained, found) == ([str(MODEL)], ["weights"] * 3)
    assert not artifacts.untrained({MODEL: made_by})


@pytest.mark.parametrize("change", ["torch", "isa", "shape"])
def test_what_makes_another_model_gives_it_another_name(
    planned: Make, host: Host, change: str
) -> None:
    def name(item: Planned, on: Host, version: str) -> str:
        (made_by,) = artifacts.recipes([item], on, Environment({"torch": version})).values()
        return made_by.name

    plain = name(planned(), host, "2.13")
    wider = Choice("decoder", (("d_model", 128), ("heads", 2), ("layers", 2), MODEL.options[3]))
    other = {
        "torch": lambda: name(planned(), host, "2.14"),
        "isa": lambda: name(planned(), replace(host, isa=("avx2",)), "2.13"),
        "shape": lambda: name(planned(model=wider), host, "2.13"),
    }[change]()
    assert plain == name(planned(), host, "2.13") != other


def test_other_code_makes_another_model(
    planned: Make, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file found under the old name would no longer be what the code makes."""
    (made_by,) = artifacts.recipes([planned()], host, Environment({})).values()
    before = made_by.name
    monkeypatch.setattr(recipe, "_SOURCES", ("quality/text.py",))
    assert made_by.name != before


def test_a_training_that_ends_early_fails_its_cells_and_no_others(
    planned: Make, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> Iterator[bytes]:
        yield b"[0, 8.0]"
        raise ProcessLost("died by SIGKILL")

    steps: list[Step] = []
    monkeypatch.setattr(artifacts, "lines", lost)
    prepared = Prepared((), host, Environment({}), Commit("a" * 40), Plan(()))
    random = planned(model=Choice("decoder", MODEL.options[:3]))
    files, failures = run.trained_files([planned(), random], prepared, Artifacts(), steps.append)
    assert not files
    assert failures == {MODEL: "the reference model could not be trained: died by SIGKILL"}
    assert [(one.done, one.loss) for one in steps] == [(1, 8.0)]


def test_a_training_that_leaves_no_file_failed(
    planned: Make, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: object) -> list[bytes]:
        return []

    monkeypatch.setattr(artifacts, "lines", nothing)
    (made_by,) = artifacts.recipes([planned()], host, Environment({})).values()
    with pytest.raises(TrainingError, match="the trainer wrote no file"):
        artifacts.reference(MODEL, made_by, ignore)


class Recorder:
    """Does jobs by remembering them."""

    def __init__(self, status: Status = Status.OK) -> None:
        self.jobs: list[Job] = []
        self.status = status

    def __call__(self, one: Job) -> Round:
        self.jobs.append(one)
        facts = {"file_bytes": 7.0} if one.prepares else {"load_time": 1.0}
        return Round(one.index, self.status, "why", facts=facts)


def test_cells_that_share_a_model_prepare_it_once(planned: Make) -> None:
    """Whatever they do with it; all rounds load it, and the first of a cell tells what it took."""
    does = Recorder()
    told: list[Planned] = []
    cells = [planned(), planned(scenario=Choice("decode")), planned(precision=Choice("bf16"))]
    with Artifacts() as models:
        rounds = [
            answered(models.steps(item, job(item, index), told.append), does)
            for index in (0, 1)
            for item in cells
        ]
    prepares = [one for one in does.jobs if one.prepares]
    loads = [one for one in does.jobs if not one.prepares]
    assert len(prepares) == len(told) == 2
    assert all(one.quality for one in prepares)
    assert [one.artifact for one in loads[:3]] == [one.artifact for one in loads[3:]]
    assert loads[0].artifact == loads[1].artifact != loads[2].artifact
    first, further = {"file_bytes": 7.0, "load_time": 1.0}, {"load_time": 1.0}
    assert [one.facts for one in rounds] == [first] * 3 + [further] * 3


def test_a_run_that_goes_on_tells_it_in_its_own_first_round(planned: Make) -> None:
    """The one before may have been cut short by another model."""
    does, item = Recorder(), replace(planned(), rounds_done=2)
    with Artifacts() as models:
        told = [answered(models.steps(item, job(item, index), ignore), does) for index in (2, 3)]
    assert ["file_bytes" in one.facts for one in told] == [True, False]


def test_a_random_dense_model_needs_no_file(planned: Make, cache: Path) -> None:
    does, item = Recorder(), planned(model=Choice("decoder", MODEL.options[:3]))
    with Artifacts() as models:
        answered(models.steps(item, job(item), ignore), does)
    assert [(one.prepares, one.artifact) for one in does.jobs] == [(False, "")]
    assert not list(cache.iterdir())


def test_a_model_that_could_not_be_prepared_ends_the_cell_as_that_did(planned: Make) -> None:
    fails = Recorder(Status.OUT_OF_MEMORY)
    with Artifacts() as models:
        one = answered(models.steps(planned(), job(planned(), 3), ignore), fails)
    assert (one.status, one.reason, one.index) == (Status.OUT_OF_MEMORY, "why", 3)
    assert [one.prepares for one in fails.jobs] == [True]


def test_a_model_that_another_round_prepares_is_waited_for(planned: Make) -> None:
    """Rounds of several cells may be in flight together; one of them makes what they share."""
    first, second = planned(), planned(scenario=Choice("decode"))
    with Artifacts() as models:
        ahead = models.steps(first, job(first), ignore)
        asked = next(ahead)
        assert asked is not None
        assert asked.prepares
        behind = models.steps(second, job(second), ignore)
        assert next(behind) is None
        loads = ahead.send(Round(0, Status.OK))
        assert loads is not None
        same = next(behind)
        assert same is not None
        assert (same.prepares, same.artifact) == (False, loads.artifact)


def test_a_job_is_located_by_digest(planned: Make, tmp_path: Path) -> None:
    """It names files; where they are only the host knows that does it."""
    models = Artifacts()
    models.paths = {"abc": "/there/w.safetensors", "other": "/elsewhere"}
    asked = replace(job(planned()), weights={"trained": "abc"}, artifact="f00")
    here = models.located(asked)
    assert here.file("trained") == Path("/there/w.safetensors")
    assert here.model_file == models.folder / "f00.safetensors"
    assert set(here.files) == {"abc", "f00"}
    assert "/" not in asked.encode().decode()


def test_what_a_run_prepared_goes_with_it_and_a_live_runs_stays(cache: Path) -> None:
    with Artifacts() as mine:
        mine.folder.mkdir(parents=True)
        strange = cache / "artifacts" / "not-ours"
        strange.mkdir()
        with Artifacts(cache / "artifacts" / "another"):
            assert mine.folder.exists()
    assert not mine.folder.exists()
    assert strange.exists()


def test_eagers_judgement_of_a_model_is_no_other_runtimes(planned: Make) -> None:
    """What preparing tells of the model holds for all; its quality only where eager runs it."""

    def does(one: Job) -> Round:
        facts = {"file_bytes": 7.0, "logit_error": 0.5} if one.prepares else {}
        scores = (Score(9, 12, 30.0, 29.0, 0.0, 9),) if one.prepares else ()
        return Round(one.index, Status.OK, facts=facts, scores=scores)

    eager, other = planned(), planned(backend=Choice("compile"))
    with Artifacts() as models:
        ours = answered(models.steps(eager, job(eager), ignore), does)
        theirs = answered(models.steps(other, job(other), ignore), does)
    assert ours.facts == {"file_bytes": 7.0, "logit_error": 0.5}
    assert len(ours.scores) == 1
    assert theirs.facts == {"file_bytes": 7.0}
    assert theirs.scores == ()
