"""Whether commits change a file that a cell runs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.domain.cell import Cell
from harness.domain.run import Commit
from harness.subject.commit import author, changed_files
from harness.subject.touched import touches


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    answer = subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True, text=True
    )
    return answer.stdout.strip()


def committed(folder: Path, file: str) -> Commit:
    """A commit that adds the file."""
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(file)
    git(folder, "add", ".")
    git(folder, "commit", "-qm", file)
    return Commit(git(folder, "rev-parse", "HEAD"))


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "-q")
    return folder


def test_changed_files_are_named_from_the_top(repo: Path) -> None:
    """With both names of a moved file, from any folder, whatever the characters."""
    base = committed(repo, "lib/a.py")
    (repo / "docs").mkdir()
    git(repo, "mv", "lib/a.py", "docs/a b\n.py")
    head = committed(repo, "lib/é.py")
    changed = changed_files(repo / "lib", base.sha, head.sha)
    assert changed == ["docs/a b\n.py", "lib/a.py", "lib/é.py"]


@pytest.mark.parametrize("sha", ["f" * 40, "--output=stolen", ""])
def test_of_an_unknown_commit_nothing_is_known(repo: Path, sha: str) -> None:
    head = committed(repo, "a.py")
    assert changed_files(repo, sha, head.sha) is None
    assert {one.name for one in repo.iterdir()} == {".git", "a.py"}


def test_outside_a_repository_nothing_is_known(tmp_path: Path) -> None:
    assert changed_files(tmp_path, "a" * 40, "b" * 40) is None


def test_docs_and_tests_touch_no_cell(repo: Path, make_cell: Callable[..., Cell]) -> None:
    first = committed(repo, "model.py")
    docs = committed(repo, "docs/model.md")
    code = committed(repo, "attention.py")
    touched = touches(repo)
    assert touched(make_cell(), first, docs) is False
    assert touched(make_cell(), docs, code) is True
    assert touched(make_cell(), first, code) is True
    assert touched(make_cell(), code, code) is False


def test_the_built_in_model_runs_its_own_package(
    repo: Path, make_cell: Callable[..., Cell]
) -> None:
    first = committed(repo, "harness/__init__.py")
    spec = committed(repo, "specs/a.yaml")
    code = committed(repo, "harness/model.py")
    touched = touches(repo)
    assert touched(make_cell(), first, spec) is False
    assert touched(make_cell(), spec, code) is True


def test_of_uncommitted_changes_nothing_is_known(
    repo: Path, make_cell: Callable[..., Cell]
) -> None:
    one = committed(repo, "a.py")
    touched = touches(repo)
    assert touched(make_cell(), one, replace(one, dirty="0123")) is None
    assert touched(make_cell(), Commit(""), one) is None


def test_the_author_is_gits_user_else_the_account(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.setenv("USER", "ada")
    assert author() == "ada"
    for key, value in (("COUNT", "1"), ("KEY_0", "user.name"), ("VALUE_0", "Ada L.")):
        monkeypatch.setenv(f"GIT_CONFIG_{key}", value)
    assert author() == "Ada L."
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "")
    monkeypatch.delenv("USER")
    assert author() == "unknown"
