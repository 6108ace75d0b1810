"""Which commit a spec's folder is at, and whether its tree is dirty."""

import subprocess
from pathlib import Path

import pytest

from harness.execute.commit import NO_COMMIT, commit_of


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
