"""Whether commits change a file that a cell runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from harness.analyse.audit import runs
from harness.domain.cell import Cell
from harness.domain.run import Commit
from harness.subject.code import HARNESS
from harness.subject.commit import changed_files


def touches(repo: Path | None = None) -> Callable[[Cell, Commit, Commit], bool | None]:
    """A function of a cell, a base and a head; None where it is not known.

    The repository is by default the harness's own. Nothing is known of commits that it lacks, or
    of uncommitted changes.
    """
    folder = repo or HARNESS
    own = repo is None or (repo / HARNESS.name / "__init__.py").is_file()

    @cache
    def between(base: str, head: str) -> list[str] | None:
        return [] if base == head else changed_files(folder, base, head)

    def touched(cell: Cell, base: Commit, head: Commit) -> bool | None:
        if not (base.sha and head.sha) or base.dirty or head.dirty:
            return None
        files = between(base.sha, head.sha)
        return None if files is None else any(runs(cell, one, own=own) for one in files)

    return touched
