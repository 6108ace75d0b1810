"""Which commit the subject is at, and whether its tree is dirty."""

import os
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.subject import commit as module
from harness.subject.commit import NO_COMMIT, commit_of, commit_of_code, has_code, named


def git(folder: Path, *arguments: str) -> str:
    """Run git there, as nobody in particular."""
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=trunk"]
    answer = subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True, text=True
    )
    return answer.stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with one commit."""
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "spec.yaml").write_text("name: a\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "First: 'quoted' <b>")
    return folder


def test_a_clean_repository_is_its_commit(repo: Path) -> None:
    """Sha, branch and subject as git tells them."""
    commit = commit_of(repo)
    assert (commit.sha, commit.branch, commit.subject, commit.dirty) == (
        git(repo, "rev-parse", "HEAD"),
        "trunk",
        "First: 'quoted' <b>",
        "",
    )


def test_a_folder_below_the_top_is_at_the_same_commit(repo: Path) -> None:
    """Specs mostly lie in a folder of their own."""
    (repo / "specs").mkdir()
    assert commit_of(repo / "specs").sha == commit_of(repo).sha


def test_each_dirty_tree_has_a_digest_of_its_own(repo: Path) -> None:
    """Two different changes are two different subjects."""
    (repo / "spec.yaml").write_text("name: b\n")
    first = commit_of(repo).dirty
    (repo / "spec.yaml").write_text("name: c\n")
    second = commit_of(repo).dirty
    assert first
    assert second
    assert first != second


def test_a_new_file_makes_the_tree_dirty_and_an_ignored_one_does_not(repo: Path) -> None:
    """What git ignores is no part of the subject."""
    (repo / ".git" / "info" / "exclude").write_text("ignored\n")
    (repo / "ignored").write_text("x")
    assert commit_of(repo).dirty == ""
    (repo / "new").write_text("x")
    assert commit_of(repo).dirty != ""


def test_the_harness_own_results_do_not_make_the_tree_dirty(repo: Path) -> None:
    """Else each run would be of another subject than the last."""
    database, site = repo / "results" / "a.sqlite", repo / "results" / "site"
    site.mkdir(parents=True)
    for file in (database, repo / "results" / "a.sqlite-wal", site / "index.html"):
        file.write_text("x")
    assert commit_of(repo, [database, site]).dirty == ""


def test_outside_a_repository_there_is_no_commit(tmp_path: Path) -> None:
    """Told as such, not as an error."""
    assert commit_of(tmp_path) == NO_COMMIT


def test_a_repository_without_a_commit_has_none(tmp_path: Path) -> None:
    """Nothing is checked out yet."""
    git(tmp_path, "init", "-q")
    assert commit_of(tmp_path) == NO_COMMIT


def test_a_branch_that_is_no_utf8_is_told_as_far_as_it_is(repo: Path) -> None:
    """A database takes no other text."""
    subprocess.run(["git", "-C", str(repo), "checkout", "-qb", b"caf\xe9"], check=True)
    assert commit_of(repo).branch == "caf\N{REPLACEMENT CHARACTER}"


def test_the_specs_do_not_make_the_tree_dirty(repo: Path) -> None:
    """Neither a tracked one whose comment changed nor a new one: a cell is told by its content."""
    tracked, new = repo / "spec.yaml", repo / "new.yaml"
    tracked.write_text("# Another question?\nname: a\n")
    new.write_text("name: b\n")
    assert commit_of(repo, [tracked, new]).dirty == ""


def test_a_file_named_like_the_results_counts(repo: Path) -> None:
    """`results.py` is no part of the database `results`."""
    (repo / "results.py").write_text("x")
    assert commit_of(repo, [repo / "results"]).dirty != ""


def no_file(path: Path) -> None:
    """Leave nothing there."""


def a_pipe(path: Path) -> None:
    """One that nobody writes to: whoever opens it waits for ever."""
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    """Opening it fails."""
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


def a_link_to_nothing(path: Path) -> None:
    """Its target is gone."""
    path.symlink_to("nowhere")


def a_link_to_itself(path: Path) -> None:
    """Following it never ends."""
    path.symlink_to(path)


def a_link_to_its_own_folder(path: Path) -> None:
    """Walking it never ends."""
    path.symlink_to(path.parent)


def a_folder(path: Path) -> None:
    """Of the same repository, not one of its own."""
    path.mkdir()
    (path / "file").write_text("x")


def a_file_too_large_to_read(path: Path) -> None:
    """A terabyte, all of it a hole."""
    with path.open("wb") as file:
        file.truncate(2**40)


@pytest.mark.parametrize(
    "make",
    [
        no_file,
        a_pipe,
        a_socket,
        a_link_to_nothing,
        a_link_to_itself,
        a_link_to_its_own_folder,
        a_folder,
        a_file_too_large_to_read,
    ],
)
def test_what_cannot_be_read_counts_by_its_name(
    repo: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None]
) -> None:
    """A tracked file that became something else, and a new one; one may be gone once git is done."""
    (repo / "spec.yaml").unlink()
    make(repo / "spec.yaml")
    make(repo / "new")
    git_of = module._git

    def listing(folder: Path, *arguments: str) -> str | None:
        told = git_of(folder, *arguments)
        return f"{told}new\0" if "--others" in arguments else told

    monkeypatch.setattr(module, "_git", listing)
    assert commit_of(repo).dirty != ""


def test_a_file_that_may_not_be_read_counts_by_its_name(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As another user's key in the working folder."""
    (repo / "secret").write_text("x")

    def refuse(path: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    assert commit_of(repo).dirty != ""


def test_a_repository_inside_counts_by_its_own_commit(repo: Path) -> None:
    """A checkout of something else, as a submodule is."""
    inside = repo / "inside"
    inside.mkdir()
    git(inside, "init", "-q")
    git(inside, "commit", "-qm", "One", "--allow-empty")
    first = commit_of(repo).dirty
    git(inside, "commit", "-qm", "Two", "--allow-empty")
    assert first
    assert commit_of(repo).dirty not in {"", first}


def test_what_makes_git_show_changes_in_another_way_changes_no_digest(repo: Path) -> None:
    """The same tree is the same subject whoever looks."""
    (repo / "spec.yaml").write_text("name: b\n")
    before = commit_of(repo).dirty
    git(repo, "config", "diff.external", "true")
    assert commit_of(repo).dirty == before


def test_a_hook_of_another_repository_changes_nothing(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git tells its hooks, by the environment, to look at its own repository alone."""
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    git(other, "commit", "-qm", "Other", "--allow-empty")
    expected = commit_of(repo).sha
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert commit_of(repo).sha == expected


def test_a_repository_that_git_refuses_is_an_error_in_gits_own_words(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told as no commit, the results of all commits would pass for those of one."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    with pytest.raises(UsageError, match=r"cannot determine the commit of .*: .*dubious ownership"):
        commit_of(repo)


def test_a_broken_repository_is_an_error(repo: Path) -> None:
    """Its objects are gone."""
    sha = git(repo, "rev-parse", "HEAD")
    (repo / ".git" / "objects" / sha[:2] / sha[2:]).unlink()
    with pytest.raises(UsageError, match=r"cannot determine the commit of .*: .*bad object"):
        commit_of(repo)


def test_a_git_that_hangs_is_an_error(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a file system that does not answer, say."""
    hung = tmp_path / "bin" / "git"
    hung.parent.mkdir()
    hung.write_text("#!/bin/sh\nexec sleep 60\n")
    hung.chmod(hung.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(hung.parent), prepend=os.pathsep)
    monkeypatch.setattr(module, "_TIMEOUT", 0.1)
    with pytest.raises(UsageError, match=r"git did not answer within 0\.1 s"):
        commit_of(repo)


@pytest.fixture
def package(repo: Path) -> Path:
    """A package in a checkout, beside other things."""
    folder = repo / "package"
    folder.mkdir()
    (folder / "__init__.py").write_text("x = 1\n")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "A package")
    return folder


def test_a_package_in_a_checkout_is_at_its_commit(repo: Path, package: Path) -> None:
    """As one that is installed to be edited."""
    assert commit_of_code(package) == commit_of(repo)


def test_only_what_lies_in_the_package_makes_it_dirty(repo: Path, package: Path) -> None:
    """Specs, docs and notes beside it bear on no time."""
    (repo / "spec.yaml").write_text("name: b\n")
    (repo / "notes.txt").write_text("x")
    assert commit_of_code(package).dirty == ""
    (package / "__init__.py").write_text("x = 2\n")
    changed = commit_of_code(package).dirty
    (package / "new.py").write_text("x")
    assert len({"", changed, commit_of_code(package).dirty}) == 3


def test_a_package_that_is_only_installed_below_a_repository_has_no_commit(repo: Path) -> None:
    """A virtual environment in a user's own repository is no checkout of what it holds."""
    folder = repo / ".venv" / "package"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (repo / ".git" / "info" / "exclude").write_text(".venv\n")
    assert commit_of_code(folder) == NO_COMMIT


def test_a_package_outside_a_repository_has_no_commit(tmp_path: Path) -> None:
    """An installed wheel: its version tells it from others."""
    assert commit_of_code(tmp_path) == NO_COMMIT


def test_a_lone_modules_code_is_the_modules_beside_it(repo: Path) -> None:
    """Not what lies in folders below, or else beside it."""
    (repo / "module.py").write_text("x = 1\n")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "A module")
    (repo / "specs").mkdir()
    for name in ("specs/other.py", "notes.txt"):
        (repo / name).write_text("x")
    assert commit_of_code(repo, ":(glob)*.py").dirty == ""
    (repo / "beside.py").write_text("x")
    assert commit_of_code(repo, ":(glob)*.py").dirty != ""


def test_git_knows_commits_by_many_names(repo: Path) -> None:
    git(repo, "tag", "-a", "v1", "-m", "annotated")
    git(repo, "commit", "-qm", "Second", "--allow-empty")
    first, second = git(repo, "rev-parse", "HEAD~1"), git(repo, "rev-parse", "HEAD")
    assert [named(repo, one) for one in ("v1", "HEAD~1", first[:8])] == [first] * 3
    assert [named(repo, one) for one in ("trunk", "HEAD")] == [second] * 2


@pytest.mark.parametrize("name", ["", "nothing", "--all", "a b", "0" * 40, "HEAD:spec.yaml"])
def test_a_name_that_git_does_not_know_has_no_commit(repo: Path, name: str) -> None:
    assert named(repo, name) == ""


def test_outside_a_repository_there_are_no_names(tmp_path: Path) -> None:
    assert named(tmp_path, "HEAD") == ""
    assert not has_code(tmp_path)


def test_an_untracked_folder_in_a_repository_has_no_code(repo: Path) -> None:
    """A virtual environment, say: its package does not belong to the repository."""
    (repo / "venv").mkdir()
    (repo / "venv" / "module.py").touch()
    assert has_code(repo)
    assert not has_code(repo / "venv")
