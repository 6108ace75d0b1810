"""The subject's commit, and the environment, which identifies all other code."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from harness.domain.run import Commit, Environment
from harness.errors import UsageError
from harness.subject.code import HARNESS
from harness.subject.commit import NO_COMMIT, commit_of, commit_of_code, top_of
from harness.subject.environment import cells_environment


def subject(
    repo: Path | None = None, excluded: Sequence[Path] = (), factories: Collection[str] = ()
) -> tuple[Commit, Environment]:
    """The commit of the repository or, by default, of the harness with its built-in model.

    The `excluded` paths do not count as changes to the repository. `factories` are the top-level
    modules of the cells' model factories: their code is part of the environment unless the
    repository holds it. Raises UsageError if the repository has no commit, or git cannot
    determine it.
    """
    if repo is None:
        commit = commit_of_code(HARNESS)
        return commit, cells_environment(commit, factories)
    commit = commit_of(repo, excluded)
    if not commit.sha:
        raise UsageError(f"--repo {repo}: there is no git repository with a commit, or no git")
    return commit, cells_environment(NO_COMMIT, factories, top_of(repo))
