"""The jobs that make up a round."""

from __future__ import annotations

from dataclasses import replace

from harness.dispatch.drive import Steps
from harness.domain.result import Round, Status
from harness.worker.messages import Job


def round_steps(job: Job) -> Steps:
    """Measures a round. Before the first round of a split cell, runs the parity check."""
    if not job.cell.parallelism or not job.quality:
        return (yield from single_job(job))
    check = yield from single_job(replace(job, checks_parity=True))
    if check.status is Status.OUT_OF_MEMORY:
        why = "not measurable: the whole model does not fit in memory beside the split model"
        measured = yield from single_job(job)
        return replace(measured, notes={**measured.notes, "split_error": why})
    if check.status is not Status.OK:
        return replace(check, index=job.index)
    if "split_error" not in check.facts:
        reason = "the parity check compared nothing"
        return replace(check, index=job.index, status=Status.FAILED, reason=reason)
    measured = yield from single_job(job)
    return replace(measured, facts={**check.facts, **measured.facts})


def single_job(job: Job) -> Steps:
    """A round of a single job."""
    done: Round | None = yield job
    assert done is not None, "a job that was submitted has a round"
    return done
