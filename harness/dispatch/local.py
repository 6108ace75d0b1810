"""The dispatcher of this host: starts a job, watches its time and memory, takes its report."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from typing import IO, Self

from harness.dispatch.bounded import report_of
from harness.dispatch.forkserver import ForkServer
from harness.dispatch.port import Bounds, Finished
from harness.domain.result import Round, Status
from harness.domain.run import Host
from harness.errors import WorkerLost
from harness.host.machine import this_host
from harness.host.watch import HostWatch
from harness.worker.messages import Job

# What a round printed, as far as its result keeps it.
_TAIL_BYTES = 4000


def _quiet(_: Job) -> None:
    """Nobody wants to know."""


class LocalDispatcher:
    """Runs jobs on this host, one at a time, each in a process group of its own.

    A context manager. The fork server starts at once, so that it imports torch while the caller
    prepares, and anew should it be lost. A job that measures is watched: what interfered with it
    is in its round. `files` says where the files are that jobs name by digest, and `starts` is
    called as each job starts.
    """

    slots = 1

    def __init__(self, files: Callable[[Job], Job], starts: Callable[[Job], None] = _quiet) -> None:
        self._server: ForkServer | None = None
        self._files, self._starts = files, starts
        self._queue: dict[int, tuple[Job, Bounds]] = {}
        self._tickets = count()
        self._watch = HostWatch()

    def __enter__(self) -> Self:
        self._server = ForkServer()
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def submit(self, job: Job, bounds: Bounds) -> int:
        """It is begun when its round is waited for."""
        ticket = next(self._tickets)
        self._queue[ticket] = (job, bounds)
        return ticket

    def cancel(self, ticket: int) -> None:
        """A job in flight ends with the exception that ended the waiting."""
        self._queue.pop(ticket, None)

    def wait(self) -> Finished:
        """Do the job that was submitted first; whatever becomes of it is in its round's status."""
        ticket = min(self._queue)
        job, bounds = self._queue.pop(ticket)
        self._starts(job)
        try:
            return Finished(ticket, self._watched(self._files(job), bounds))
        except WorkerLost as loss:
            self._close()
            return Finished(ticket, None, str(loss))

    @cached_property
    def _host(self) -> Host:
        return this_host()

    def _watched(self, job: Job, bounds: Bounds) -> Round:
        if not job.measures:
            return self._round(job, bounds)
        with self._watch.around(job.cell) as seen:
            found = self._round(job, bounds)
        facts, notes = {**found.facts, **seen.facts}, {**found.notes, **seen.notes}
        return replace(found, facts=facts, notes=notes, host=self._host)

    def _round(self, job: Job, bounds: Bounds) -> Round:
        if self._server is None:
            self._server = ForkServer()
        started, begin = datetime.now(UTC), time.perf_counter()
        with tempfile.TemporaryFile() as output:
            report = report_of(self._server, job, bounds, output)
            if report.status is not Status.OK:
                parts = (report.detail, _tail(output))
                report = replace(report, detail="\n".join(filter(None, parts))).bounded()
        return Round(
            index=job.index,
            status=report.status,
            reason=report.reason,
            detail=report.detail,
            samples=report.samples,
            scores=report.scores,
            facts=report.facts,
            notes=report.notes,
            started=started,
            seconds=time.perf_counter() - begin,
        )

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None


def _tail(output: IO[bytes]) -> str:
    """The last lines the round printed."""
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _TAIL_BYTES))
    return output.read().decode(errors="replace").strip()
