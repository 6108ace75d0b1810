"""A commit that cannot be installed is a result: each of its cells failed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from harness import pipeline
from harness.domain.result import Status
from harness.domain.run import Commit, Environment
from harness.errors import BuildError
from harness.night.subjects import Subject
from harness.plan.plan import Action
from harness.store import Store
from harness.subject.builds import Build
from harness.subject.environment import cells_environment


def stand_in(subject: Subject, commit: Commit) -> Build:
    """What the commit's build would have been, in this process's own environment."""
    repo = subject.source.repo
    versions = cells_environment(commit, subject.factories, repo).versions
    return Build(commit, Environment(versions), Path(sys.executable))


def record(request: pipeline.Request, build: Build, error: BuildError) -> Mapping[str, Status]:
    """Stores a failed result for each cell that is not measured yet; returns all statuses."""
    prepared = pipeline.prepare(replace(request, build=build, within=None))
    statuses = {item.cell.id: item.status for item in prepared.plan.items if item.status}
    cells = prepared.plan.of(Action.MEASURE)
    if not cells:
        return statuses
    with Store(request.db) as store:
        run = store.begin(pipeline.run_of(prepared, request.command))
        for item in cells:
            key = store.open_result(run, item.cell, item.baseline, adopt=None)
            store.close_result(key, Status.FAILED, str(error), error.detail)
        store.finish(run)
    return {**statuses, **{item.cell.id: Status.FAILED for item in cells}}
