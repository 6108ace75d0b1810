"""Reads `subject:`, the repository whose commits are followed."""

from __future__ import annotations

from pathlib import Path

from harness.errors import clipped
from harness.spec.choices import Context
from harness.spec.files import FileError, located, looking_up, quoted
from harness.spec.settings import Subject
from harness.subject.source import Source

# Where a repository keeps its packages: at its top, or in `src`.
_CODE = (".", "src")


def subject_of(given: Subject | None, context: Context) -> Source | None:
    """The subject's repository; None, and a fault if one was named but cannot be followed."""
    if given is None:
        return None
    path = ("subject", "repo")
    try:
        folder = located(given.repo, Path(context.source.file).parent).resolve()
        with looking_up():
            is_repository = (folder / ".git").exists() or (folder / "HEAD").is_file()
    except FileError as error:
        context.source.add_fault(path, f"{clipped(repr(given.repo))} cannot be used: {error}")
        return None
    if not is_repository:
        message = f"{clipped(repr(given.repo))} is not a git repository ({quoted(folder)})"
        context.source.add_fault(path, message)
        return None
    context.sources.extend(folder / name for name in _CODE)
    return Source(folder, given.install)
