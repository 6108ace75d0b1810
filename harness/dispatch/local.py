"""The dispatcher of this host: starts each job, watches its time and memory, reads its report."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping
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
from harness.subject.builds import Build
from harness.worker.messages import Job

# A failed round's result keeps this much of what the round printed last.
_TAIL_BYTES = 4000


def _quiet(_: Job) -> None:
    """Does nothing."""


class LocalDispatcher:
    """Runs jobs on this host, one at a time, each in a process group of its own.

    A context manager. The fork server starts on entry, so that it imports torch while the caller
    prepares; if it is lost, the next job starts another. Jobs of a build of the subject run in a
    fork server of that build's own interpreter; `builds` are by commit. While a job measures, the
    host is watched, and the round records the interference. `files` adds to a job the paths of the
    files that it names by digest. `starts` is called as each job starts.
    """

    slots = 1

    def __init__(
        self,
        files: Callable[[Job], Job],
        starts: Callable[[Job], None] = _quiet,
        builds: Mapping[str, Build] | None = None,
    ) -> None:
        self._servers: dict[str, ForkServer] = {}  # by the build's commit; "" is this process's own
        self._files, self._starts = files, starts
        self._builds = builds or {}
        self._queue: dict[int, tuple[Job, Bounds]] = {}
        self._tickets = count()
        self._watch = HostWatch()

    def __enter__(self) -> Self:
        for name in self._builds or ("",):
            self._server(name)
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def await_import(self, seconds: float) -> None:
        """Waits until torch is imported, for so long at most, so that no round waits for it."""
        for server in self._servers.values():
            server.await_import(seconds)

    def submit(self, job: Job, bounds: Bounds) -> int:
        """Queues the job: it starts in `wait`."""
        ticket = next(self._tickets)
        self._queue[ticket] = (job, bounds)
        return ticket

    def cancel(self, ticket: int) -> None:
        """Removes a queued job. A job in flight has already ended with the exception in `wait`."""
        self._queue.pop(ticket, None)

    def wait(self) -> Finished:
        """Runs the job that was submitted first. The round's status says how it ended."""
        ticket = min(self._queue)
        job, bounds = self._queue.pop(ticket)
        self._starts(job)
        try:
            return Finished(ticket, self._watched(self._files(job), bounds))
        except WorkerLost as loss:
            self._servers.pop(job.build).close()
            return Finished(ticket, None, str(loss))

    @cached_property
    def _host(self) -> Host:
        return this_host()

    def _watched(self, job: Job, bounds: Bounds) -> Round:
        if not job.measures:
            return self._round(job, bounds)
        with self._watch.around(job.cell) as seen:
            measured = self._round(job, bounds)
        facts, notes = {**measured.facts, **seen.facts}, {**measured.notes, **seen.notes}
        return replace(measured, facts=facts, notes=notes, host=self._host)

    def _round(self, job: Job, bounds: Bounds) -> Round:
        server = self._server(job.build)
        started, begin = datetime.now(UTC), time.perf_counter()
        with tempfile.TemporaryFile() as output:
            report = report_of(server, job, bounds, output)
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

    def _server(self, name: str) -> ForkServer:
        """The build's fork server, started if it does not run."""
        if name not in self._servers:
            if build := self._builds.get(name):
                build.touch()
                variables = build.variables(dict(os.environ))
                self._servers[name] = ForkServer(str(build.python), variables)
            else:
                self._servers[name] = ForkServer()
        return self._servers[name]

    def _close(self) -> None:
        while self._servers:
            _, server = self._servers.popitem()
            server.close()


def _tail(output: IO[bytes]) -> str:
    """The end of the round's output."""
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _TAIL_BYTES))
    return output.read().decode(errors="replace").strip()
