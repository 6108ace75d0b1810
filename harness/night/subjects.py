"""The subject of specs: where its commits come from, and their builds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness import pipeline, stored
from harness.dispatch.artifacts import cache
from harness.domain.run import Commit
from harness.errors import UsageError
from harness.spec.load import Spec, load
from harness.subject.builds import Build, build
from harness.subject.source import Source, harness_source


@dataclass(frozen=True)
class Subject:
    """The repository that specs follow, and what they import from it."""

    source: Source
    factories: frozenset[str]  # top-level modules of the cells' model factories

    def build(self, commit: Commit) -> Build:
        """The commit, installed. Raises BuildError."""
        return build(self.source, commit, cache() / "builds", self.factories)

    def builds(self, commits: Iterable[Commit]) -> dict[str, Build]:
        """Builds by sha. Raises BuildError."""
        return {sha: self.build(one) for sha, one in {one.sha: one for one in commits}.items()}


def recalled(request: pipeline.Request, cell: str = "") -> pipeline.Request:
    """The request with its specs or, if it names none, those of the newest stored run.

    With `cell`, the beginning of a cell's id: of the newest run that measured it. Raises
    UsageError if there is no such run, or its files are gone.
    """
    if request.paths:
        return request
    results = stored.results(request.db, newest_only=False)
    found = next((one for one in results if one.cell.id.startswith(cell)), None)
    if found is None:
        what = f"the cell {cell}" if cell else "a run"
        raise UsageError(f"{request.db} holds no result of {what}: name the specs")
    files = tuple(found.run.specs)
    if missing := [file for file in files if not Path(file).is_file()]:
        raise UsageError(f"the newest run measured {missing[0]}, which is not here: name the specs")
    return replace(request, paths=files)


def specs_of(request: pipeline.Request) -> tuple[Spec, ...]:
    """The requested specs."""
    return tuple(load(request.paths, request.overrides, request.only))


def subject_of(request: pipeline.Request, specs: Sequence[Spec]) -> Subject:
    """The subject of these specs. Raises UsageError if there is none, or more than one."""
    repo = pipeline.repository(request, specs)
    return Subject(_source(repo, specs), pipeline.factory_modules(specs))


def _source(repo: Path | None, specs: Sequence[Spec]) -> Source:
    if repo is None:
        return harness_source()
    named = next((one.subject for one in specs if one.subject and one.subject.repo == repo), None)
    return named or Source(repo)
