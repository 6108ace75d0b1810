"""Whose commit a run is of, and the environment that tells what the commit does not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.domain.run import Commit, Environment
from harness.errors import UsageError
from harness.subject.code import HARNESS
from harness.subject.commit import NO_COMMIT, commit_of, commit_of_code
from harness.subject.environment import cells_environment


def subject(repo: Path | None = None, apart: Sequence[Path] = ()) -> tuple[Commit, Environment]:
    """By default the installed harness, whose code the built-in model is; else a repository.

    The paths in `apart` do not count as changes to that repository. UsageError where it has no
    commit, or git cannot tell it.
    """
    if repo is None:
        commit = commit_of_code(HARNESS)
        return commit, cells_environment(commit)
    commit = commit_of(repo, apart)
    if not commit.sha:
        raise UsageError(f"--repo {repo}: there is no git repository with a commit, or no git")
    return commit, cells_environment(NO_COMMIT)
