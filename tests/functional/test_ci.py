"""The workflows: what continuous integration runs, and what each workflow may do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.functional.actions import FILES, read

ROOT = Path(__file__).parents[2]
NAMES = [file.name for file in FILES]
CI = read("ci.yml")
# What a job may write, beyond reading the repository.
WRITES = {
    ("nightly.yml", "measure"): {"contents"},
    ("nightly.yml", "deploy"): {"pages", "id-token"},
    ("nightly.yml", "issues"): {"issues"},
    ("alarm.yml", "alarm"): {"issues"},
}
LINTERS = [
    line.strip().replace("$(BIN)/", "")
    for line in (ROOT / "Makefile").read_text().splitlines()
    if line.startswith("\t") and ".github/workflows" in line
]
JOBS = [(name, job) for name in NAMES for job in read(name)["jobs"]]
INJECTED = """\
name: unsafe
on: pull_request_target
permissions: {}
jobs:
  unsafe:
    runs-on: ubuntu-24.04
    steps:
      - run: echo "${{ github.event.pull_request.title }}"
"""
MISSPELT = """\
name: misspelt
on: push
permissions: {}
jobs:
  misspelt:
    runs_on: ubuntu-24.04
    steps:
      - run: echo
"""


def job_of(workflow: str, job: str) -> dict[str, Any]:
    found: dict[str, Any] = read(workflow)["jobs"][job]
    return found


def test_it_runs_what_the_script_for_a_clean_checkout_runs() -> None:
    commands = re.findall(r"^make .+$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert len(commands) == 4
    assert [
        step["run"] for job in CI["jobs"].values() for step in job["steps"] if "run" in step
    ] == commands


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_may_only_read_the_repository(name: str) -> None:
    assert read(name)["permissions"] in ({}, {"contents": "read"})


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_a_job_may_write_only_what_it_must(workflow: str, job: str) -> None:
    permissions = job_of(workflow, job).get("permissions", {})
    writes = {name for name, access in permissions.items() if access == "write"}
    assert writes == WRITES.get((workflow, job), set())
    assert {"write", "read"} >= set(permissions.values())


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_every_action_is_pinned_to_a_commit_and_leaves_no_credentials(
    workflow: str, job: str
) -> None:
    for step in job_of(workflow, job)["steps"]:
        if "uses" in step:
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"])
            assert "checkout" not in step["uses"] or step["with"]["persist-credentials"] is False


def test_an_action_has_one_commit_in_all_workflows() -> None:
    """With its version in a comment."""
    uses = re.compile(r"uses: (\S+)@(\w+) # v\d+\.\d+\.\d+$", re.MULTILINE)
    text = "".join(file.read_text() for file in FILES)
    found = set(uses.findall(text))
    assert text.count("uses: ") == len(uses.findall(text))
    assert len({action for action, _ in found}) == len(found)


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_every_job_ends_in_time(workflow: str, job: str) -> None:
    """GitHub's own limit is six hours, and five days on a self-hosted runner."""
    assert job_of(workflow, job)["timeout-minutes"] <= 120


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_no_command_holds_an_expression(workflow: str, job: str) -> None:
    """Values reach a shell as environment variables, never as part of its text."""
    for step in job_of(workflow, job)["steps"]:
        assert "${{" not in step.get("run", "")


def expressions(value: object) -> Iterator[str]:
    """All expressions in a part of a workflow."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from expressions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from expressions(inner)
    else:
        yield from re.findall(r"\$\{\{(.*?)\}\}", str(value))


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_every_expression_names_a_step_a_job_or_a_key_that_exists(workflow: str, job: str) -> None:
    """GitHub reads an unknown name as an empty text."""
    said = job_of(workflow, job)
    known = {
        "steps": {step["id"] for step in said["steps"] if "id" in step},
        "needs": {said["needs"]} if "needs" in said else set(),
        "matrix": set(said.get("strategy", {}).get("matrix", {})),
    }
    assert known["needs"] <= set(read(workflow)["jobs"])
    for text in expressions(said):
        for kind, name in re.findall(r"\b(steps|needs|matrix)\.([\w-]+)", text):
            assert name in known[kind], text


def linted(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a linter of `make check` on the workflows in a folder."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["sh", "-c", command.replace(".github/workflows", str(folder))],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_check_has_two_linters_of_workflows() -> None:
    assert [command.split()[0] for command in LINTERS] == ["check-jsonschema", "zizmor"]


@pytest.mark.parametrize("command", LINTERS)
def test_the_linters_pass_these_workflows(command: str) -> None:
    done = linted(command, FILES[0].parent)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("command", "text", "found"),
    [
        (LINTERS[0], MISSPELT, "runs_on"),
        (LINTERS[1], INJECTED, "template-injection"),
    ],
)
def test_each_linter_refuses_a_broken_workflow(
    tmp_path: Path, command: str, text: str, found: str
) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "broken.yml").write_text(text)
    done = linted(command, folder)
    assert done.returncode not in {0, 127}
    assert found in done.stdout + done.stderr
