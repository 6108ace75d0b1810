"""The workflows of unattended nights and of the gate, played on a stage of stubs."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from tests.functional.actions import filled, read, value
from tests.functional.stage import Stage, night


def test_a_first_night_starts_the_branch(stage: Stage) -> None:
    """It measures within its time, saves results and a note, and passes."""
    played = stage.measure()
    assert played.passed, played.printed
    (call,) = stage.calls("nightly")
    assert (call[0], call[1:3]) == ("specs/nightly.yaml", ["--db", "results/harness.sqlite"])
    assert call[3:7] == ["--within", "30m", "--report", "results/report.md"]
    assert call[7:] == ["--format", "json"]
    assert played.summary == "# All quiet\n"
    assert stage.saved() == ["first"]
    assert stage.noted()["night"]["state"] == "done"
    assert stage.calls("merge") == []
    (prune,) = stage.calls("prune")
    assert prune[:2] == ["--keep", "90d"]


def test_a_second_night_adds_to_the_first(stage: Stage) -> None:
    """The branch keeps one commit, for else a clone would download every night's database."""
    stage.measure()
    stage.answer(nightly={"row": "second", "json": night()})
    assert stage.measure().passed
    assert stage.saved() == ["first", "second"]
    assert stage.git("rev-list", "--count", "results", at=stage.remote).strip() == "1"


@pytest.mark.parametrize("first", [True, False], ids=["new-branch", "old-branch"])
def test_two_machines_that_save_at_once_lose_nothing(stage: Stage, first: bool) -> None:
    """The other machine pushes between this machine's fetch and its push: while this one prunes."""
    if not first:
        stage.measure()
    other = stage.checkout()
    with closing(sqlite3.connect(other / "other.sqlite")) as database:
        database.execute("CREATE TABLE night (name TEXT PRIMARY KEY)")
        database.execute("INSERT INTO night VALUES ('of the other')")
        database.commit()
    (other / "night.json").write_text(json.dumps(night()))
    save = "branch.py save other.sqlite --runner gpu --night night.json"
    (stage.folder / "meanwhile").write_text(f"cd {other}\npython3 .github/scripts/{save}\n")
    stage.answer(nightly={"row": "of this", "json": night()})
    played = stage.measure()
    assert played.passed, played.printed
    assert "another machine saved its results meanwhile" in played.printed
    assert stage.saved() == sorted(["of the other", "of this", *([] if first else ["first"])])
    assert stage.noted("gpu")["night"] == stage.noted("cpu")["night"]


def test_a_refused_push_fails_the_job_with_gits_reason(stage: Stage) -> None:
    """And is not tried again, because the branch has not moved. The artifact has the results."""
    hook = stage.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho no room left >&2\nexit 1\n")
    hook.chmod(0o755)
    played = stage.measure()
    assert played.codes["Save the results"] == 1
    assert "no room left" in played.printed
    assert played.printed.count("no room left") == 1
    assert (stage.artifacts / "night-cpu" / "harness.sqlite").exists()


def test_a_failed_merge_fails_the_job_and_leaves_the_branch(stage: Stage) -> None:
    stage.measure()
    stage.answer(nightly={"row": "second", "json": night()}, merge={"code": 2})
    assert stage.measure().codes["Save the results"] == 1
    assert stage.saved() == ["first"]


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4])
def test_a_nights_exit_code_is_the_jobs_after_the_results_are_saved(
    stage: Stage, code: int
) -> None:
    stage.answer(nightly={"row": "first", "json": night(), "code": code})
    played = stage.measure()
    assert played.codes["Pass the night's exit code on"] == code
    assert stage.saved() == ["first"]
    assert (stage.artifacts / "night-cpu" / "night.json").read_text()


def test_a_night_that_could_not_begin_saves_nothing(stage: Stage) -> None:
    """Another night holds the lock, or the spec is wrong: no database, no JSON."""
    stage.answers["nightly"] = {"code": 2}
    played = stage.measure()
    assert played.codes["Save the results"] == 0
    assert not played.passed
    assert stage.git("ls-remote", str(stage.remote), "results") == ""


def test_a_void_night_is_saved_but_does_not_count_as_delivered(stage: Stage) -> None:
    stage.answer(nightly={"row": "first", "json": night(state="void")})
    assert stage.measure().passed
    assert stage.saved() == ["first"]
    assert stage.git("ls-tree", "-r", "--name-only", "results", at=stage.remote).split() == [
        "harness.sqlite"
    ]


def test_the_token_reaches_no_file(stage: Stage) -> None:
    stage.measure()
    config = (stage.folder / f"checkout-{stage.checkouts}" / ".git" / "config").read_text()
    assert "secret" not in config
    assert "extraheader" not in config


def test_a_gpu_joins_the_matrix_only_if_the_repository_names_one() -> None:
    job = read("nightly.yml")["jobs"]["measure"]
    matrix = job["strategy"]["matrix"]["runner"].removeprefix("${{ ").removesuffix(" }}")
    assert value(matrix, {"vars.GPU_RUNNER": ""}) == ["cpu"]
    assert value(matrix, {"vars.GPU_RUNNER": "a100"}) == ["cpu", "gpu"]
    labels = {
        runner: filled(job["runs-on"], {"matrix.runner": runner, "vars.GPU_RUNNER": "a100"})
        for runner in ("cpu", "gpu")
    }
    assert labels == {"cpu": "ubuntu-24.04", "gpu": "a100"}


def test_a_gpu_measures_its_own_spec_too(stage: Stage) -> None:
    assert stage.measure("gpu").passed
    (call,) = stage.calls("nightly")
    assert call[:2] == ["specs/nightly.yaml", "specs/gpu.yaml"]
    assert stage.noted("gpu")["night"]["state"] == "done"


def test_the_site_shows_the_saved_results(stage: Stage) -> None:
    stage.measure()
    assert stage.play("nightly.yml", "site").passed
    site = stage.folder / f"checkout-{stage.checkouts}" / "results" / "site"
    assert (site / "index.html").read_text() == "first"


def test_the_site_is_deployed_even_if_a_runner_fails() -> None:
    """A failed job anywhere before would skip a job whose condition is left out."""
    jobs = read("nightly.yml")["jobs"]
    for result, deployed in {"success": True, "failure": False, "skipped": False}.items():
        condition = jobs["deploy"]["if"].removeprefix("${{ ").removesuffix(" }}")
        names = {"needs.site.result": result, "job.status": "failure"}
        assert value(condition, names) is deployed
    for job in ("site", "issues"):
        assert jobs[job]["if"] == "${{ !cancelled() }}"


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_the_gate_passes_on_its_exit_code_and_report(stage: Stage, code: int) -> None:
    stage.answer(gate={"code": code, "report": "# 1 regression\n"})
    played = stage.play("gate.yml", "gate")
    assert played.codes["Measure beside the base"] == code
    assert played.summary == "# 1 regression\n"
    (call,) = stage.calls("gate")
    assert call[:2] == ["origin/main", "specs/nightly.yaml"]
    assert (stage.artifacts / "gate" / "report.md").exists()


def test_a_branch_name_is_no_command(stage: Stage) -> None:
    """A pull request chooses the names of its branches."""
    stage.play("gate.yml", "gate", **{"github.base_ref": 'a"; touch "$STAGE/pwned'})
    assert not (stage.folder / "pwned").exists()
    (call,) = stage.calls("gate")
    assert call[0] == 'origin/a"; touch "$STAGE/pwned'


@pytest.mark.parametrize(
    ("workflow", "job", "names"),
    [
        ("nightly.yml", "measure", {"matrix.runner": "cpu"}),
        ("nightly.yml", "site", {}),
        ("nightly.yml", "issues", {}),
        ("alarm.yml", "alarm", {}),
        ("gate.yml", "gate", {}),
    ],
)
def test_every_step_runs(stage: Stage, workflow: str, job: str, names: dict[str, str]) -> None:
    stage.measure()
    played = stage.play(workflow, job, **names)
    steps = [one["name"] for one in read(workflow)["jobs"][job]["steps"] if "run" in one]
    assert steps == list(played.codes), played.printed


def test_no_job_with_commands_is_left_out() -> None:
    """Of those that test_every_step_runs lists."""
    assert [
        (workflow, job)
        for workflow in ("alarm.yml", "gate.yml", "nightly.yml")
        for job, said in read(workflow)["jobs"].items()
        if any("run" in step for step in said["steps"])
    ] == [
        ("alarm.yml", "alarm"),
        ("gate.yml", "gate"),
        ("nightly.yml", "measure"),
        ("nightly.yml", "site"),
        ("nightly.yml", "issues"),
    ]
