"""The subject's version: its commit, and a digest of its uncommitted changes."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from harness.domain.run import Commit
from harness.errors import UsageError
from harness.subject import contents

NO_COMMIT = Commit(sha="")

_TIMEOUT = 60.0  # seconds for one git command
# Git sets these when it runs a hook. They would bind git to the hook's repository.
_BINDING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX")
_NO_REPOSITORY = "not a git repository (or any"
_NO_COMMIT_YET = "does not have any commits yet"
_NO_SUCH_NAME = "Needed a single revision"
# SQLite keeps these beside a database.
_BESIDE = ("-wal", "-shm", "-journal")


def commit_of(folder: Path, excluded: Sequence[Path] = ()) -> Commit:
    """The commit checked out at the folder. NO_COMMIT outside a git repository.

    `dirty` is a digest of uncommitted changes to tracked files and of new files that git does not
    ignore, so that two different dirty trees are two different subjects. The `excluded` paths, and
    all paths below them, do not count: the specs, and the files that the harness writes. Raises
    UsageError if git finds a repository but cannot determine its commit.
    """
    return _commit(folder, ":/", excluded) if _git(folder, "rev-parse", "--git-dir") else NO_COMMIT


def commit_of_code(folder: Path, pathspec: str = ".") -> Commit:
    """The commit of the checkout with the folder's code. Only that code can make it dirty.

    The git `pathspec` selects the files that are code. NO_COMMIT if none of them is tracked: a
    package installed in a virtual environment does not belong to the repository around it.
    """
    return _commit(folder, pathspec, ()) if _git(folder, "ls-files", "--", pathspec) else NO_COMMIT


def top_of(folder: Path) -> Path:
    """The top folder of the checkout that the folder lies in."""
    return Path((_git(folder, "rev-parse", "--show-toplevel") or "").rstrip("\n"))


def commit_at(folder: Path, name: str) -> Commit:
    """The commit that a sha, a tag or a branch names. Raises UsageError if there is none."""
    with suppress(UsageError):
        if name and (sha := named(folder, name)):
            return _described(folder, sha)
    raise UsageError(f"{folder}: there is no commit {name!r} in this repository")


def first_parents(folder: Path, revisions: str, *, first_parent: bool = True) -> list[str]:
    """The shas of a range such as `HEAD~20..HEAD`, oldest first; of a name, its own sha.

    Follows first parents only, unless told otherwise. Raises UsageError if git cannot read the
    range, or if it is empty.
    """
    if ".." not in revisions:
        return [commit_at(folder, revisions).sha]
    how = ["--first-parent"] if first_parent else ["--topo-order"]
    if revisions.startswith("-"):
        raise UsageError(f"{revisions!r} is not a range of commits, such as HEAD~20..HEAD")
    found = _git(folder, "rev-list", "--reverse", *how, revisions, "--")
    if not found:
        raise UsageError(f"{folder}: there is no commit in the range {revisions}")
    return found.split()


def _described(folder: Path, sha: str) -> Commit:
    """The commit with that sha; without its branch, which git does not record."""
    date, subject = (_git(folder, "log", "-1", "--format=%ct%n%s", sha) or "").split("\n", 1)
    return Commit(
        sha=sha, date=datetime.fromtimestamp(int(date), UTC), subject=_valid(subject.strip())
    )


def changed_files(folder: Path, base: str, head: str) -> list[str] | None:
    """The files that differ between two commits, by sha; None if the repository lacks one."""
    shas = (f"{base}^{{commit}}", f"{head}^{{commit}}")
    options = ("--name-only", "--no-relative", "--no-renames", "-z", "--end-of-options")
    try:
        names = _git(folder, "diff", *options, *shas, "--")
    except UsageError:
        return None
    return None if names is None else [name for name in names.split("\0") if name]


def author() -> str:
    """The user's name in git's configuration, else the name of the account."""
    try:
        name = _valid(_git(Path(), "config", "user.name") or "").strip()
    except UsageError:  # git's answer if no name is set
        name = ""
    return name or os.environ.get("USER", "") or "unknown"


def has_code(folder: Path) -> bool:
    """True if git tracks files in the folder. A package in a virtual environment has none."""
    return bool(_git(folder, "ls-files", "--", "."))


def named(folder: Path, name: str) -> str:
    """The sha of the commit that git knows by a name: a tag, a branch, `HEAD~1`, a short sha.

    "" if it knows none, or if the folder is in no repository.
    """
    revision = f"{name}^{{commit}}"
    found = _git(folder, "rev-parse", "--verify", "--end-of-options", revision)
    return (found or "").strip().rpartition("\n")[2]


def reachable(folder: Path) -> frozenset[str]:
    """The shas of all commits that a branch or a tag of the repository reaches."""
    return frozenset((_git(folder, "rev-list", "--all") or "").split())


def branches(folder: Path) -> tuple[str, ...]:
    """The repository's local branches; the one that is checked out comes first."""
    names = (_git(folder, "for-each-ref", "--format=%(refname:short)", "refs/heads") or "").split()
    current = (_git(folder, "branch", "--show-current") or "").strip()
    return tuple(sorted(map(_valid, names), key=lambda name: name != current))


def _commit(folder: Path, pathspec: str, excluded: Sequence[Path]) -> Commit:
    head = _git(folder, "log", "-1", "--format=%H%n%ct%n%s")
    if not head:
        return NO_COMMIT
    sha, date, subject = head.split("\n", 2)
    return Commit(
        sha=sha,
        branch=_valid((_git(folder, "branch", "--show-current") or "").strip()),
        date=datetime.fromtimestamp(int(date), UTC),
        subject=_valid(subject.strip()),
        dirty=_dirt(folder, pathspec, {os.path.realpath(path) for path in excluded}),
    )


def _valid(text: str) -> str:
    """The text with replacement characters for bytes that are not UTF-8: databases refuse them."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def _dirt(folder: Path, pathspec: str, excluded: set[str]) -> str:
    """A digest of the uncommitted changes, in 12 hexadecimal digits. "" if there are none."""
    top = top_of(folder)
    changed = _git(folder, "diff", "--name-only", "--no-relative", "-z", "HEAD", "--", pathspec)
    new = _git(
        folder, "ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", pathspec
    )
    names = f"{changed or ''}{new or ''}".split("\0")
    counted = [name for name in names if name and not _is_excluded(top / name, excluded)]
    return contents.digest(top, counted, _content) if counted else ""


def _content(path: Path) -> bytes:
    """The path's content. For a repository inside this one (a submodule, say), its own commit."""
    if path.is_symlink() or not (path / ".git").exists():
        return contents.of_path(path)
    try:
        inside = commit_of(path)
    except UsageError:  # then only its name counts
        return b"repository"
    return f"{inside.sha} {inside.dirty}".encode()


def _is_excluded(file: Path, excluded: set[str]) -> bool:
    databases = {str(file).removesuffix(ending) for ending in _BESIDE}
    return not excluded.isdisjoint({str(file), *databases, *map(str, file.parents)})


def _git(folder: Path, *arguments: str) -> str | None:
    """Git's output. None if there is no git, no repository, no commit in it yet, or no such name.

    Raises UsageError if git fails or does not answer in time.
    """
    if shutil.which("git") is None:
        return None
    bare = {key: value for key, value in os.environ.items() if key not in _BINDING}
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**bare, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"},
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _unknown(folder, f"git did not answer within {_TIMEOUT:g} s") from None
    if answer.returncode == 0:
        return answer.stdout.decode(errors="surrogateescape")
    message = answer.stderr.decode(errors="replace").strip()
    if any(known in message for known in (_NO_REPOSITORY, _NO_COMMIT_YET, _NO_SUCH_NAME)):
        return None
    raise _unknown(folder, message or f"git ended with exit code {answer.returncode}")


def _unknown(folder: Path, why: str) -> UsageError:
    return UsageError(f"cannot determine the commit of {folder}: {why}")
