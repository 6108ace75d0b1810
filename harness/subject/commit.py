"""The subject's version: the commit that its code is at, and what differs from it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from harness.domain.run import Commit
from harness.errors import UsageError
from harness.subject import contents

NO_COMMIT = Commit(sha="")

_PATIENCE = 60.0  # seconds for one answer of git's
# Set where git runs a hook, they bind it to the hook's own repository.
_BINDING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX")
_NO_REPOSITORY = "not a git repository (or any"
_NO_COMMIT_YET = "does not have any commits yet"
# SQLite keeps these beside a database.
_BESIDE = ("-wal", "-shm", "-journal")


def commit_of(folder: Path, apart: Sequence[Path] = ()) -> Commit:
    """The commit checked out where the folder lies; NO_COMMIT outside a git repository.

    Uncommitted changes to tracked files, and new files that git does not ignore, are told by
    their digest: two different dirty trees are two different subjects. The paths in `apart`, and
    what lies below them, do not count: the specs, and what the harness writes. UsageError where
    git finds a repository, but cannot tell its commit.
    """
    return _commit(folder, ":/", apart) if _git(folder, "rev-parse", "--git-dir") else NO_COMMIT


def commit_of_code(folder: Path, which: str = ".") -> Commit:
    """The commit of the checkout that the folder's code lies in, dirty by that code alone.

    `which` files there are code is a git pathspec. NO_COMMIT where none of them is tracked: what
    is installed in a virtual environment inside of someone's repository is no part of it.
    """
    return _commit(folder, which, ()) if _git(folder, "ls-files", "--", which) else NO_COMMIT


def top_of(folder: Path) -> Path:
    """The top folder of the checkout that the folder lies in."""
    return Path((_git(folder, "rev-parse", "--show-toplevel") or "").rstrip("\n"))


def _commit(folder: Path, which: str, apart: Sequence[Path]) -> Commit:
    head = _git(folder, "log", "-1", "--format=%H%n%ct%n%s")
    if not head:
        return NO_COMMIT
    sha, date, subject = head.split("\n", 2)
    return Commit(
        sha=sha,
        branch=_plain((_git(folder, "branch", "--show-current") or "").strip()),
        date=datetime.fromtimestamp(int(date), UTC),
        subject=_plain(subject.strip()),
        dirty=_dirt(folder, which, {os.path.realpath(path) for path in apart}),
    )


def _plain(text: str) -> str:
    """What is no UTF-8 shown as such: no database takes it."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def _dirt(folder: Path, which: str, apart: set[str]) -> str:
    """12 hexadecimal digits of the uncommitted changes; "" where there are none."""
    top = top_of(folder)
    changed = _git(folder, "diff", "--name-only", "--no-relative", "-z", "HEAD", "--", which)
    new = _git(
        folder, "ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", which
    )
    names = f"{changed or ''}{new or ''}".split("\0")
    counted = [name for name in names if name and not _is_apart(top / name, apart)]
    return contents.digest(top, counted, _content) if counted else ""


def _content(path: Path) -> bytes:
    """As of any path; of a repository inside this one, a submodule say, its own commit."""
    if path.is_symlink() or not (path / ".git").exists():
        return contents.of_path(path)
    try:
        inside = commit_of(path)
    except UsageError:  # it counts by its name
        return b"repository"
    return f"{inside.sha} {inside.dirty}".encode()


def _is_apart(file: Path, apart: set[str]) -> bool:
    databases = {str(file).removesuffix(ending) for ending in _BESIDE}
    return not apart.isdisjoint({str(file), *databases, *map(str, file.parents)})


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints; None where there is no git, no repository, or no commit in it yet.

    UsageError where it cannot do what is asked, or does not answer in time.
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
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _unknown(folder, f"git did not answer within {_PATIENCE:g} s") from None
    if answer.returncode == 0:
        return answer.stdout.decode(errors="surrogateescape")
    told = answer.stderr.decode(errors="replace").strip()
    if _NO_REPOSITORY in told or _NO_COMMIT_YET in told:
        return None
    raise _unknown(folder, told or f"git ended with exit code {answer.returncode}")


def _unknown(folder: Path, why: str) -> UsageError:
    return UsageError(f"cannot tell the commit of {folder}: {why}")
