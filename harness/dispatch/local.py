"""The dispatcher of this host: starts a job, watches its time and memory, takes its report."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from typing import IO, Any, Self

import psutil

from harness.dispatch.port import Bounds, Finished
from harness.domain.result import Round, Status
from harness.domain.run import Host
from harness.errors import UnreadableReport, WorkerLost
from harness.host.machine import this_host
from harness.host.memory import oom_kills, resident_below
from harness.host.watch import HostWatch
from harness.process import (
    ASK,
    child_environment,
    end_descendants,
    end_group,
    end_marked,
    signal_name,
)
from harness.worker.messages import PACKET, Job, Report

# How often a round's memory is looked at. A look takes 0.1 ms a process, more if it has threads.
_POLL_SECONDS = 0.05
# How long ranks have to tell where they stand, once the round's time is up.
_GRACE_SECONDS = 15.0
# How long the fork server has to import torch, to start a round, to notice the end of one that
# was killed, and to end itself.
_READY_SECONDS = 300.0
_START_SECONDS = 120.0
_END_SECONDS = 30.0
_CLOSE_SECONDS = 5.0
# What a round printed, as far as its result keeps it.
_TAIL_BYTES = 4000
# A million samples take half of it.
_LONGEST_REPORT = 128 * 2**20
# A round that prints more is ended, before it fills the disk.
_LONGEST_OUTPUT = 2**30
# Marks the server's environment, which all its descendants inherit.
_MARK = "HARNESS_ROUNDS"


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
        self._server: _Server | None = None
        self._files, self._starts = files, starts
        self._queue: dict[int, tuple[Job, Bounds]] = {}
        self._tickets = count()
        self._watch = HostWatch()

    def __enter__(self) -> Self:
        self._server = _Server()
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
            self._server = _Server()
        started, begin = datetime.now(UTC), time.perf_counter()
        with tempfile.TemporaryFile() as output:
            report = _in_bounds(self._server, job, bounds, output)
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


class _Server:
    """The fork server's process and the line to it."""

    def __init__(self) -> None:
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._mark = uuid.uuid4().hex
        with theirs:
            # A session of its own, so that a terminal's Ctrl-C reaches the parent alone.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "harness.worker.server", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
                env={**child_environment(), _MARK: self._mark},
            )
        self.pid = self._process.pid
        self._ready = False

    def hear(self, seconds: float = _END_SECONDS) -> dict[str, Any]:
        """The server's next message; WorkerLost when there will be none, or none in time."""
        deadline = time.monotonic() + seconds
        while not select.select([self.channel], [], [], _POLL_SECONDS)[0]:
            self.wake()
            if time.monotonic() > deadline:
                raise WorkerLost("the process that starts rounds does not answer")
        try:
            packet = self.channel.recv(PACKET)
        except ConnectionResetError:
            packet = b""
        if not packet:
            raise WorkerLost(f"the process that starts rounds ended ({self._end()})")
        message: dict[str, Any] = json.loads(packet)
        return message

    def start(self, job: Job, report: int, output: int) -> int:
        """Fork a process for the job; its process id."""
        if not self._ready:
            self.hear(_READY_SECONDS)
            self._ready = True
        try:
            socket.send_fds(self.channel, [job.encode()], [report, output])
        except (BrokenPipeError, ConnectionResetError):
            self.hear()  # says how it ended
            raise
        pid: int = self.hear(_START_SECONDS)["started"]
        return pid

    def wake(self) -> None:
        """Have it go on, should anyone have stopped it (SIGSTOP)."""
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(self.pid).status() == psutil.STATUS_STOPPED:
                os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """End the server, any round it has in flight, and all that rounds left behind."""
        self.channel.close()
        if not self._ready:  # it still imports, and would not notice
            self._process.kill()
        self.wake()
        self._end()
        end_marked(_MARK, self._mark)

    def _end(self) -> str:
        """How it ended; killed if it does not end by itself."""
        try:
            code = self._process.wait(_CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        return signal_name(-code) if code < 0 else f"exit code {code}"


def _in_bounds(server: _Server, job: Job, bounds: Bounds, output: IO[bytes]) -> Report:
    """The round's report, or the parent's own where the round was ended or died."""
    kills_before = oom_kills()
    asks = job.processes > 1
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        try:
            pid = server.start(job, writer, output.fileno())
        finally:
            os.close(writer)
        flight = _Flight(server, pid, bounds, pipe, output)
        try:
            wait_status = flight.land(asks=asks)
        except BaseException:
            flight.end()  # Ctrl-C, most likely: nothing of the round may stay behind
            raise
    if flight.verdict is not None:
        return _with_place(flight.verdict, flight.told()) if asks else flight.verdict
    if os.WIFSIGNALED(wait_status):
        return _death(os.WTERMSIG(wait_status), kernel_killed=oom_kills() > kills_before)
    if not flight.text:
        code = os.WEXITSTATUS(wait_status)
        return Report(Status.FAILED, f"ended without a report (exit code {code})")
    return flight.told()


class _Flight:
    """A round in flight: its report as it comes, and what it may use."""

    def __init__(
        self, server: _Server, pid: int, bounds: Bounds, pipe: IO[bytes], output: IO[bytes]
    ) -> None:
        self._server, self._pid, self._bounds = server, pid, bounds
        self._pipe, self._output = pipe, output
        self._deadline = time.monotonic() + bounds.seconds
        self.text = bytearray()
        self.verdict: Report | None = None  # the parent's own, where the round left its bounds

    def land(self, *, asks: bool) -> int:
        """Take the report until the process has ended; its wait status.

        A round that leaves its bounds is ended. `asks`: when its time is up, ask it first where
        its ranks stand, which it answers by a report.
        """
        grace = lost = float("inf")
        reading: list[Any] = [self._pipe, self._server.channel]
        while True:
            ready, _, _ = select.select(reading, [], [], _POLL_SECONDS)
            if self._pipe in ready and not self._read():
                reading.remove(self._pipe)
            if self._server.channel in ready:
                message = self._server.hear()
                if message.get("ended") == self._pid:
                    while self._read():  # what is there: a process left behind may keep it open
                        pass
                    return int(message["wait_status"])
            self._server.wake()
            now = time.monotonic()
            if self.verdict is None:
                self.verdict = self._out_of_bounds()
                if self.verdict is not None:
                    waits = asks and self.verdict.status is Status.TIMED_OUT
                    grace = now + (self._ask() if waits else 0.0)
            if now >= grace:
                self.end()
                grace, lost = float("inf"), now + _END_SECONDS
            if now > lost:
                raise WorkerLost("the process that starts rounds does not answer")

    def end(self) -> None:
        """Kill all processes of the round, also those that left its group or lost their parent."""
        end_descendants(self._server.pid)
        end_group(self._pid)

    def told(self) -> Report:
        """The round's own report; a failure where it cannot be read."""
        try:
            return Report.decode(bytes(self.text))
        except UnreadableReport as error:
            return Report(Status.FAILED, str(error))

    def _ask(self) -> float:
        """Have the round tell where its ranks stand; how long it may take to."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, ASK)
        return _GRACE_SECONDS

    def _read(self) -> bool:
        """Take what is there of the report; False where there is, or will be, no more."""
        if len(self.text) > _LONGEST_REPORT:
            return False
        chunk = self._pipe.read(1 << 16)  # None where there is nothing now
        self.text += chunk or b""
        return bool(chunk)

    def _out_of_bounds(self) -> Report | None:
        bounds = self._bounds
        if time.monotonic() > self._deadline:
            return Report(Status.TIMED_OUT, f"the round took longer than {bounds.seconds:g} s")
        if len(self.text) > _LONGEST_REPORT:
            size = f"it is longer than {_LONGEST_REPORT // 2**20} MiB"
            return Report(Status.FAILED, f"its report cannot be read: {size}")
        if os.fstat(self._output.fileno()).st_size > _LONGEST_OUTPUT:
            return Report(Status.FAILED, f"printed more than {_LONGEST_OUTPUT // 2**30} GiB")
        held = resident_below(self._server.pid)
        if held > bounds.memory_bytes:
            limit = f"more than the limit of {bounds.memory_bytes / 2**30:.2f} GiB"
            return Report(Status.OUT_OF_MEMORY, f"held {held / 2**30:.2f} GiB, {limit}")
        return None


def _with_place(verdict: Report, where: Report) -> Report:
    """The verdict, with what the round answered when it was asked where its ranks stand."""
    if where.status is not Status.TIMED_OUT:
        return verdict
    return replace(verdict, reason=f"{verdict.reason}: {where.reason}")


def _death(number: int, kernel_killed: bool) -> Report:
    if number == signal.SIGKILL and kernel_killed:
        return Report(Status.OUT_OF_MEMORY, "the kernel killed it for want of memory")
    return Report(Status.CRASHED, f"died by {signal_name(number)}")


def _tail(output: IO[bytes]) -> str:
    """The last lines the round printed."""
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _TAIL_BYTES))
    return output.read().decode(errors="replace").strip()
