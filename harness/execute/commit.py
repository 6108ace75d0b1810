"""The subject's version: the commit of the git repository that holds a spec."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from harness.domain.run import Commit

NO_COMMIT = Commit(sha="")


def commit_of(folder: Path, apart: Sequence[Path] = ()) -> Commit:
    """The commit checked out where the folder lies; NO_COMMIT outside a git repository.

    Uncommitted changes to tracked files, and new files that git does not ignore, are told by
    their digest: two different dirty trees are two different subjects. New files at or below
    the paths in `apart` do not count: the harness writes its own results there.
    """
    if shutil.which("git") is None:
        return NO_COMMIT
    head = _git(folder, "log", "-1", "--format=%H%n%ct%n%s")
    if head is None:  # no repository, or one without a commit
        return NO_COMMIT
    sha, date, subject = head.split("\n", 2)
    return Commit(
        sha=sha,
        branch=_plain((_git(folder, "branch", "--show-current") or "").strip()),
        date=datetime.fromtimestamp(int(date), UTC),
        subject=_plain(subject.strip()),
        dirty=_dirt(folder, [path.resolve() for path in apart]),
    )


def _plain(text: str) -> str:
    """What is no UTF-8 shown as such: no database takes it."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def _dirt(folder: Path, apart: Sequence[Path]) -> str:
    """12 hexadecimal digits of the uncommitted changes; "" where there are none."""
    top = Path((_git(folder, "rev-parse", "--show-toplevel") or "").strip())
    changes = _git(top, "diff", "HEAD", "--binary") or ""
    new = (_git(top, "ls-files", "--others", "--exclude-standard", "-z") or "").split("\0")
    files = [name for name in new if name and not _is_apart(top / name, apart)]
    if not changes and not files:
        return ""
    digest = hashlib.sha256(changes.encode(errors="surrogateescape"))
    for name in sorted(files):
        digest.update(name.encode(errors="surrogateescape"))
        if (top / name).is_file():
            with (top / name).open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]


def _is_apart(file: Path, apart: Sequence[Path]) -> bool:
    # SQLite keeps its log and index beside the database, under longer names.
    return any(path in file.parents or file.as_posix().startswith(str(path)) for path in apart)


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints; None where it fails."""
    answer = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, check=False
    )
    return answer.stdout.decode(errors="surrogateescape") if answer.returncode == 0 else None
