"""Whose commit a run is of, and the environment that tells what the commit does not."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from harness.domain.run import Commit, Environment
from harness.errors import UsageError
from harness.subject.code import HARNESS
from harness.subject.commit import NO_COMMIT, commit_of, commit_of_code, top_of
from harness.subject.environment import cells_environment


def subject(
    repo: Path | None = None, apart: Sequence[Path] = (), factories: Collection[str] = ()
) -> tuple[Commit, Environment]:
    """By default the installed harness, whose code the built-in model is; else a repository.

    The paths in `apart` do not count as changes to that repository. `factories` are the top-level
    modules of the cells' model factories, whose code is part of the environment unless the
    repository holds it. UsageError where it has no
    commit, or git cannot tell it.
    """
    if repo is None:
        commit = commit_of_code(HARNESS)
        return commit, cells_environment(commit, factories)
    commit = commit_of(repo, apart)
    if not commit.sha:
        raise UsageError(f"--repo {repo}: there is no git repository with a commit, or no git")
    return commit, cells_environment(NO_COMMIT, factories, top_of(repo))
