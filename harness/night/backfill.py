"""`harness backfill`: measures old commits of the subject with today's harness."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness import pipeline
from harness.domain.run import Commit
from harness.errors import BuildError
from harness.night.lock import locked
from harness.night.subjects import Subject, specs_of, subject_of
from harness.night.unbuilt import record, stand_in
from harness.pipeline import Outcome


@dataclass(frozen=True)
class CommitDone:
    """An old commit has been measured, or could not be installed."""

    commit: Commit
    outcome: Outcome | None = None
    reason: str = ""  # why it could not be installed


def commits_of(
    request: pipeline.Request, revisions: str, every: int, *, first_parent: bool
) -> tuple[Subject, list[Commit]]:
    """The subject and every n-th commit of the range, oldest first, always with the newest."""
    subject = subject_of(request, specs_of(request))
    commits = subject.source.commits(revisions, first_parent=first_parent)
    return subject, commits[::-1][::every][::-1]


def backfill(
    request: pipeline.Request,
    subject: Subject,
    commits: Sequence[Commit],
    watching: Callable[[], pipeline.Watcher],
    building: Callable[[Commit], None],
) -> Iterator[CommitDone]:
    """Measures the commits one by one. What is measured already is not measured again.

    A commit that cannot be installed gives each of its cells a failed result.
    """
    with locked(request.command):
        for commit in commits:
            building(commit)
            try:
                build = subject.build(commit)
            except BuildError as error:
                record(request, stand_in(subject, commit), error)
                yield CommitDone(commit, reason=str(error))
                continue
            yield CommitDone(commit, pipeline.run(replace(request, build=build), watching()))
