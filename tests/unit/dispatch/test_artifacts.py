"""Model files: trained or prepared once, reused, waited for and deleted; and their failures."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.dispatch import artifacts, run
from harness.dispatch.artifacts import Artifacts, Step
from harness.dispatch.budget import Budget
from harness.domain.cell import Cell, Choice
from harness.domain.result import Round, Score, Status
from harness.domain.run import Commit, Environment, Host
from harness.errors import ProcessLost, TrainingError
from harness.pipeline import Prepared
from harness.plan.plan import Action, Plan, Planned
from harness.quality import recipe
from harness.spec.settings import Limits, Measure
from harness.worker.messages import Effort, Job
from tests.in_turn import round_of

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
    """The second run waits, and then finds the first run's file."""
    trained: list[str] = []

    def train(recipe: object, path: Path, model: str, notify: object, seconds: float) -> None:
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
def test_models_that_differ_have_files_with_different_names(
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


def test_changed_code_gives_the_model_another_name(
    planned: Make, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code would no longer produce the file with the old name."""
    (made_by,) = artifacts.recipes([planned()], host, Environment({})).values()
    before = made_by.name
    monkeypatch.setattr(recipe, "_SOURCES", ("quality/text.py",))
    assert made_by.name != before


def test_training_that_ends_early_fails_only_its_own_cells(
    planned: Make, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> Iterator[bytes]:
        yield b"[0, 8.0]"
        raise ProcessLost("died by SIGKILL")

    steps: list[Step] = []
    monkeypatch.setattr(artifacts, "lines", lost)
    prepared = Prepared((), host, Environment({}), Commit("a" * 40), Plan(()))
    random = planned(model=Choice("decoder", MODEL.options[:3]))
    trained = run.trained_files([planned(), random], prepared, Artifacts(), steps.append)
    assert not trained.files
    why = "the reference model could not be trained: died by SIGKILL"
    assert (trained.failures, trained.put_off) == ({MODEL: why}, {})
    assert [(one.done, one.loss) for one in steps] == [(1, 8.0)]


PUT_OFF = {MODEL: "training its model does not fit into the budget"}


def test_training_that_does_not_fit_into_the_budget_does_not_begin(
    planned: Make, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its cells have not failed: the next run trains the model."""
    monkeypatch.setattr(artifacts, "lines", None)  # calling it would fail
    plan, budget = Plan(()), Budget(1e-3, lambda: 0.0)
    prepared = Prepared((), host, Environment({}), Commit("a" * 40), plan, budget=budget)
    trained = run.trained_files([planned()], prepared, Artifacts(), ignore)
    assert (trained.files, trained.failures, trained.put_off) == ({}, {}, PUT_OFF)


def test_training_that_turns_out_too_slow_for_the_budget_ends_at_once(
    planned: Make, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a few steps, whose pace shows how long the rest takes; nothing waits for the rest."""
    now, ended = [0.0], []

    def slow(*_: object) -> Iterator[bytes]:
        try:
            for step in range(340):
                now[0] += 100.0
                yield f"[{step}, 8.0]".encode()
        finally:
            ended.append(now[0])

    monkeypatch.setattr(artifacts, "lines", slow)
    monkeypatch.setattr("harness.dispatch.artifacts.time.monotonic", lambda: now[0])
    plan, budget = Plan(()), Budget(20_000.0, lambda: now[0])
    prepared = Prepared((), host, Environment({}), Commit("a" * 40), plan, budget=budget)
    trained = run.trained_files([planned()], prepared, Artifacts(), ignore)
    assert (trained.files, trained.failures, trained.put_off) == ({}, {}, PUT_OFF)
    assert ended == [1100.0]  # 3 % of its steps


def test_training_that_the_end_of_the_budget_cuts_short_has_not_failed(
    planned: Make, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]

    def hangs(*_: object) -> Iterator[bytes]:
        yield b"[0, 8.0]"
        now[0] = 20_001.0
        raise ProcessLost("took far longer than expected and was ended")

    monkeypatch.setattr(artifacts, "lines", hangs)
    plan, budget = Plan(()), Budget(20_000.0, lambda: now[0])
    prepared = Prepared((), host, Environment({}), Commit("a" * 40), plan, budget=budget)
    trained = run.trained_files([planned()], prepared, Artifacts(), ignore)
    assert (trained.failures, trained.put_off) == ({}, PUT_OFF)


def test_a_run_with_a_budget_does_not_wait_for_ever_for_another_runs_training(
    planned: Make, host: Host
) -> None:
    (made_by,) = artifacts.recipes([planned()], host, Environment({})).values()
    path = artifacts._file(made_by)
    path.parent.mkdir(parents=True)
    with (
        artifacts._locked(path.with_suffix(".lock"), math.inf),
        pytest.raises(TrainingError, match="another run still trains"),
    ):
        artifacts.reference(MODEL, made_by, ignore, 0.0)


def test_training_that_writes_no_file_has_failed(
    planned: Make, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: object) -> Iterator[bytes]:
        yield from ()

    monkeypatch.setattr(artifacts, "lines", nothing)
    (made_by,) = artifacts.recipes([planned()], host, Environment({})).values()
    with pytest.raises(TrainingError, match="the trainer wrote no file"):
        artifacts.reference(MODEL, made_by, ignore)


class Recorder:
    """Records jobs instead of doing them."""

    def __init__(self, status: Status = Status.OK) -> None:
        self.jobs: list[Job] = []
        self.status = status

    def __call__(self, one: Job) -> Round:
        self.jobs.append(one)
        facts = {"file_bytes": 7.0} if one.prepares else {"load_time": 1.0}
        return Round(one.index, self.status, "why", facts=facts)


def test_cells_that_share_a_model_prepare_it_once(planned: Make) -> None:
    """Whatever their scenario. All rounds load it; each cell's first reports the preparation."""
    does = Recorder()
    preparing: list[Planned] = []
    cells = [planned(), planned(scenario=Choice("decode")), planned(precision=Choice("bf16"))]
    with Artifacts() as models:
        rounds = [
            round_of(models.steps(item, job(item, index), preparing.append), does)
            for index in (0, 1)
            for item in cells
        ]
    prepares = [one for one in does.jobs if one.prepares]
    loads = [one for one in does.jobs if not one.prepares]
    assert len(prepares) == len(preparing) == 2
    assert all(one.quality for one in prepares)
    assert [one.artifact for one in loads[:3]] == [one.artifact for one in loads[3:]]
    assert loads[0].artifact == loads[1].artifact != loads[2].artifact
    first, further = {"file_bytes": 7.0, "load_time": 1.0}, {"load_time": 1.0}
    assert [one.facts for one in rounds] == [first] * 3 + [further] * 3


def test_a_resumed_run_reports_the_preparation_in_its_own_first_round(planned: Make) -> None:
    """It prepares the model again: the interrupted run has deleted its own."""
    does, item = Recorder(), replace(planned(), rounds_done=2)
    with Artifacts() as models:
        rounds = [round_of(models.steps(item, job(item, index), ignore), does) for index in (2, 3)]
    assert ["file_bytes" in one.facts for one in rounds] == [True, False]


def test_a_random_dense_model_needs_no_file(planned: Make, cache: Path) -> None:
    does, item = Recorder(), planned(model=Choice("decoder", MODEL.options[:3]))
    with Artifacts() as models:
        round_of(models.steps(item, job(item), ignore), does)
    assert [(one.prepares, one.artifact) for one in does.jobs] == [(False, "")]
    assert not list(cache.iterdir())


ROOM = artifacts.room  # which the tests below replace
LARGE = Choice("decoder", (("d_model", 768), ("heads", 12), ("layers", 12)))


@pytest.fixture(autouse=True)
def ample_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine has."""
    monkeypatch.setattr(artifacts, "room", lambda _: 10**12)


def test_large_random_weights_are_drawn_once(planned: Make) -> None:
    """All cells with these weights share the file, whatever their precision and compression."""
    does = Recorder()
    cells = [
        planned(model=LARGE),
        planned(model=LARGE, scenario=Choice("decode"), precision=Choice("bf16")),
        planned(model=LARGE, compression=(Choice("int8-dynamic"),)),
        planned(model=LARGE, operator=Choice("math")),
    ]
    with Artifacts() as models:
        for item in cells:
            round_of(models.steps(item, job(item), ignore), does)
        draws = [one for one in does.jobs if one.prepares and not one.artifact]
        located = models.located(does.jobs[-1])
    assert [one.cell.operator.name for one in draws] == ["sdpa", "math"]
    others = [one for one in does.jobs if one not in draws]
    assert [one.dense for one in others] == [draws[0].dense] * 4 + [draws[1].dense]
    assert located.dense_file.name == f"{located.dense}.safetensors"


def test_there_is_no_room_where_no_folder_can_be_made(tmp_path: Path) -> None:
    """As in a cache that is a file: random weights are drawn instead, and nothing fails."""
    (tmp_path / "file").touch()
    assert ROOM(tmp_path / "file" / "artifacts") == 0
    assert ROOM(tmp_path / "artifacts") > 0


def test_weights_that_cannot_be_kept_are_drawn_by_each_round(
    planned: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Because writing the file failed, or because the disk has no room for it."""
    item, fails = planned(model=LARGE), Recorder(Status.FAILED)
    with Artifacts() as models:
        for index in (0, 1):
            round_of(models.steps(item, job(item, index), ignore), fails)
    assert [(one.prepares, bool(one.dense)) for one in fails.jobs] == [
        *((True, True), (False, False), (False, False))
    ]
    monkeypatch.setattr(artifacts, "room", lambda _: 1_000_000_000)
    does = Recorder()
    with Artifacts() as models:
        round_of(models.steps(item, job(item), ignore), does)
    assert [(one.prepares, one.dense) for one in does.jobs] == [(False, "")]


def test_a_cell_whose_model_cannot_be_prepared_gets_the_preparations_status(planned: Make) -> None:
    fails = Recorder(Status.OUT_OF_MEMORY)
    with Artifacts() as models:
        one = round_of(models.steps(planned(), job(planned(), 3), ignore), fails)
    assert (one.status, one.reason, one.index) == (Status.OUT_OF_MEMORY, "why", 3)
    assert [one.prepares for one in fails.jobs] == [True]


def test_a_model_that_another_round_prepares_is_waited_for(planned: Make) -> None:
    """Rounds of several cells may be in flight at once; one of them prepares the shared model."""
    first, second = planned(), planned(scenario=Choice("decode"))
    with Artifacts() as models:
        preparing = models.steps(first, job(first), ignore)
        preparation = next(preparing)
        assert preparation is not None
        assert preparation.prepares
        waiting = models.steps(second, job(second), ignore)
        assert next(waiting) is None
        measurement = preparing.send(Round(0, Status.OK))
        assert measurement is not None
        other = next(waiting)
        assert other is not None
        assert (other.prepares, other.artifact) == (False, measurement.artifact)


def test_a_job_is_located_by_digest(planned: Make, tmp_path: Path) -> None:
    """The job names files by digest; only the host that does it knows their paths."""
    models = Artifacts()
    models.paths = {"abc": "/there/w.safetensors", "other": "/elsewhere"}
    unlocated = replace(job(planned()), weights={"trained": "abc"}, artifact="f00")
    located = models.located(unlocated)
    assert located.file("trained") == Path("/there/w.safetensors")
    assert located.model_file == models.folder / "f00.safetensors"
    assert set(located.files) == {"abc", "f00"}
    assert "/" not in unlocated.encode().decode()


def test_a_run_deletes_its_own_models_and_not_a_live_runs(cache: Path) -> None:
    with Artifacts() as mine:
        mine.folder.mkdir(parents=True)
        foreign = cache / "artifacts" / "not-ours"
        foreign.mkdir()
        with Artifacts(cache / "artifacts" / "another"):
            assert mine.folder.exists()
    assert not mine.folder.exists()
    assert foreign.exists()


def test_quality_measured_in_eager_counts_for_no_other_runtime(planned: Make) -> None:
    """A cell on another backend takes only the model's size from the preparation."""

    def does(one: Job) -> Round:
        facts = {"file_bytes": 7.0, "logit_error": 0.5} if one.prepares else {}
        scores = (Score(9, 12, 30.0, 29.0, 0.0, 9),) if one.prepares else ()
        return Round(one.index, Status.OK, facts=facts, scores=scores)

    eager, other = planned(), planned(backend=Choice("compile"))
    with Artifacts() as models:
        ours = round_of(models.steps(eager, job(eager), ignore), does)
        theirs = round_of(models.steps(other, job(other), ignore), does)
    assert ours.facts == {"file_bytes": 7.0, "logit_error": 0.5}
    assert len(ours.scores) == 1
    assert theirs.facts == {"file_bytes": 7.0}
    assert theirs.scores == ()
