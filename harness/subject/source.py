"""The repository whose commits are followed, and how its code is installed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.domain.run import Commit
from harness.errors import UsageError
from harness.subject.code import HARNESS
from harness.subject.commit import commit_at, commit_of_code, first_parents, top_of

INSTALL = ("pip install .",)


@dataclass(frozen=True)
class Source:
    """A git repository and the commands that install one of its commits.

    The commands run in a checkout of the commit, in asv's syntax for `install_command`. Without
    commands, Python imports the code from the checkout.
    """

    repo: Path
    install: tuple[str, ...] = INSTALL

    def commit(self, name: str) -> Commit:
        """The commit that a sha, tag or branch names. Raises UsageError if there is none."""
        return commit_at(self.repo, name)

    def commits(self, revisions: str, *, first_parent: bool = True) -> list[Commit]:
        """The commits of a git range, oldest first. A name without `..` is a single commit."""
        return [
            self.commit(sha)
            for sha in first_parents(self.repo, revisions, first_parent=first_parent)
        ]


def harness_source() -> Source:
    """The harness's own checkout. Raises UsageError if the harness is not in one."""
    if not commit_of_code(HARNESS).sha:
        raise UsageError(
            "the installed harness has no git history to follow: name a repository in the spec, "
            "subject: {repo: PATH}"
        )
    return Source(top_of(HARNESS), install=())
