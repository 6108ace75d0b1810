"""The jobs that make up a round."""

from __future__ import annotations

from dataclasses import replace

from harness.dispatch.drive import Steps
from harness.domain.result import Round, Status
from harness.worker.messages import Job


def measured(job: Job) -> Steps:
    """The round; of a split cell the first comes after the parity check with one process."""
    if not job.cell.parallelism or not job.quality:
        return (yield from one(job))
    check = yield from one(replace(job, proves=True))
    if check.status is Status.OUT_OF_MEMORY:
        why = "not measurable: one process's model does not fit beside the split one"
        found = yield from one(job)
        return replace(found, notes={**found.notes, "split_error": why})
    if check.status is not Status.OK:
        return replace(check, index=job.index)
    if "split_error" not in check.facts:
        reason = "its parity check compared nothing"
        return replace(check, index=job.index, status=Status.FAILED, reason=reason)
    found = yield from one(job)
    return replace(found, facts={**check.facts, **found.facts})


def one(job: Job) -> Steps:
    """A single job."""
    found: Round | None = yield job
    assert found is not None, "a job that was submitted has a round"
    return found
