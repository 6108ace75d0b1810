"""Commits of the subject are installed in environments of their own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness.errors import BuildError, UsageError
from harness.subject import builds
from harness.subject.builds import Build, build
from harness.subject.source import Source

PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "tinysubject"
version = "0"
"""
INSTALL = "python -m pip install --quiet --no-deps --no-index --no-build-isolation ."


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=trunk"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def committed(folder: Path, value: int) -> None:
    (folder / "tinysubject" / "__init__.py").write_text(f"VALUE = {value}\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", f"Value {value}")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with an installable package and three commits."""
    folder = tmp_path / "repo"
    (folder / "tinysubject").mkdir(parents=True)
    git(folder, "init", "-q")
    (folder / "pyproject.toml").write_text(PROJECT)
    for value in (1, 2, 3):
        committed(folder, value)
    return folder


def said(built: Build, code: str, folder: Path) -> str:
    """What the build's interpreter prints."""
    done = subprocess.run(
        [str(built.python), "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env=built.variables(dict(os.environ) | {"PYTHONPATH": str(folder)}),
    )
    return done.stdout.strip()


@pytest.mark.parametrize("install", [(INSTALL,), ()], ids=["installed", "from its checkout"])
def test_each_commit_has_its_own_code(repo: Path, tmp_path: Path, install: tuple[str, ...]) -> None:
    """Even where the working tree is the working directory and on PYTHONPATH."""
    source = Source(repo, install)
    made = [
        build(source, source.commit(name), tmp_path / "builds", ["tinysubject"])
        for name in ("HEAD~1", "HEAD")
    ]
    code = "import tinysubject; print(tinysubject.VALUE)"
    assert [said(one, code, repo) for one in made] == ["2", "3"]


def test_the_measuring_side_is_this_harness(repo: Path, tmp_path: Path) -> None:
    """With the same torch, so that only the subject varies, and in the same series."""
    import harness

    source = Source(repo, ())
    made = [build(source, source.commit(name), tmp_path / "builds") for name in ("HEAD~1", "HEAD")]
    assert said(made[0], "import harness; print(harness.__file__)", repo) == harness.__file__
    assert made[0].environment == made[1].environment


def test_a_commit_is_installed_once(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source(repo, (INSTALL,))
    first = build(source, source.commit("HEAD"), tmp_path / "builds")
    stamp = (first.python.parent / "pip").stat().st_mtime_ns
    again = build(source, source.commit("trunk"), tmp_path / "builds")
    assert again == first
    assert (first.python.parent / "pip").stat().st_mtime_ns == stamp


def test_an_install_that_fails_says_what_it_printed(
    repo: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In the error alone, and not in asv's log, which goes to standard error."""
    source = Source(repo, ("python -c 'import sys; print(42); print(43); sys.exit(7)'",))
    with pytest.raises(BuildError) as caught:
        build(source, source.commit("HEAD"), tmp_path / "builds")
    assert "`python -c import sys; print(42);" in str(caught.value)
    assert str(caught.value).endswith("ended with exit code 7: 43")
    assert "42" in caught.value.detail
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
    assert [one for one in (tmp_path / "builds").glob("*/*") if one.is_dir()] == []


def test_a_commit_without_the_factory_is_refused(repo: Path, tmp_path: Path) -> None:
    """Rather than measured with the module of the working tree."""
    git(repo, "rm", "-rq", "tinysubject")
    (repo / "other.py").write_text("")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "Without")
    source = Source(repo, ())
    with pytest.raises(BuildError, match="tinysubject"):
        build(source, source.commit("HEAD"), tmp_path / "builds", ["tinysubject"])


def test_only_the_latest_builds_are_kept(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builds, "_KEPT", 2)
    source = Source(repo, ())
    made = [
        build(source, source.commit(name), tmp_path / "builds")
        for name in ("HEAD~2", "HEAD~1", "HEAD")
    ]
    assert [one.python.exists() for one in made] == [False, True, True]


def test_a_build_in_use_is_kept(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bisection compares every commit with the first one that it installed."""
    monkeypatch.setattr(builds, "_KEPT", 2)
    source = Source(repo, ())
    first, second = (
        build(source, source.commit(name), tmp_path / "builds") for name in ("HEAD~2", "HEAD~1")
    )
    for place in (first.root.parent, second.root.parent):
        os.utime(place, (0, 0))
    first.touch()
    build(source, source.commit("HEAD"), tmp_path / "builds")
    assert [first.python.exists(), second.python.exists()] == [True, False]


def test_commits_of_a_range_are_oldest_first(repo: Path) -> None:
    source = Source(repo)
    assert [one.subject for one in source.commits("HEAD~2..HEAD")] == ["Value 2", "Value 3"]
    assert [one.subject for one in source.commits("HEAD~1")] == ["Value 2"]


@pytest.mark.parametrize("name", ["nowhere", "--upload-pack=x", "HEAD~9", ""])
def test_a_commit_that_does_not_exist_is_refused(repo: Path, name: str) -> None:
    with pytest.raises(UsageError, match="there is no commit"):
        Source(repo).commit(name)


@pytest.mark.parametrize("revisions", ["HEAD..HEAD", "--all..x", "nowhere..HEAD"])
def test_a_range_without_commits_is_refused(repo: Path, revisions: str) -> None:
    with pytest.raises(UsageError):
        Source(repo).commits(revisions)
