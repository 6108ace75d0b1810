"""A job in flight on this host: reads its report and enforces its time and memory limits."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from dataclasses import replace
from typing import IO, Any

from harness.dispatch.forkserver import END_SECONDS, POLL_SECONDS, ForkServer
from harness.dispatch.port import Bounds
from harness.domain.result import Status
from harness.errors import UnreadableReport, WorkerLost
from harness.host.memory import oom_kills, resident_below
from harness.process import (
    ASK,
    end_descendants,
    end_group,
    signal_name,
)
from harness.worker.messages import Job, Report

# After a time-out, ranks have this long to report where they stand.
_GRACE_SECONDS = 15.0
# In bytes. A report of a million samples takes half of it.
_LONGEST_REPORT = 128 * 2**20
# In bytes. A round that prints more is ended before it fills the disk.
_LONGEST_OUTPUT = 2**30


def report_of(server: ForkServer, job: Job, bounds: Bounds, output: IO[bytes]) -> Report:
    """The round's report, or a report by the parent if the round was ended or died."""
    kills_before = oom_kills()
    has_ranks = job.processes > 1
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        try:
            pid = server.start(job, writer, output.fileno())
        finally:
            os.close(writer)
        flight = _Flight(server, pid, bounds, pipe, output)
        try:
            wait_status = flight.land(has_ranks=has_ranks)
        except BaseException:
            flight.end()  # Ctrl-C, most likely: no process of the round may survive
            raise
    if flight.verdict is not None:
        return _with_location(flight.verdict, flight.report()) if has_ranks else flight.verdict
    if os.WIFSIGNALED(wait_status):
        return _death(os.WTERMSIG(wait_status), kernel_killed=oom_kills() > kills_before)
    if not flight.text:
        code = os.WEXITSTATUS(wait_status)
        return Report(Status.FAILED, f"ended without a report (exit code {code})")
    return flight.report()


class _Flight:
    """A round in flight: the report read so far, and the bounds it must keep."""

    def __init__(
        self, server: ForkServer, pid: int, bounds: Bounds, pipe: IO[bytes], output: IO[bytes]
    ) -> None:
        self._server, self._pid, self._bounds = server, pid, bounds
        self._pipe, self._output = pipe, output
        self._deadline = time.monotonic() + bounds.seconds
        self.text = bytearray()
        self.verdict: Report | None = None  # the parent's report of a round that broke its bounds

    def land(self, *, has_ranks: bool) -> int:
        """Reads the report until the process ends, and returns the process's wait status.

        Ends a round that breaks its bounds. A round with several ranks first gets
        _GRACE_SECONDS after a time-out to report where its ranks stand.
        """
        grace = lost = float("inf")
        reading: list[Any] = [self._pipe, self._server.channel]
        while True:
            ready, _, _ = select.select(reading, [], [], POLL_SECONDS)
            if self._pipe in ready and not self._read():
                reading.remove(self._pipe)
            if self._server.channel in ready:
                message = self._server.hear()
                if message.get("ended") == self._pid:
                    # Not until end of file: a process left behind may keep the pipe open.
                    while self._read():
                        pass
                    return int(message["wait_status"])
            self._server.wake()
            now = time.monotonic()
            if self.verdict is None:
                self.verdict = self._out_of_bounds()
                if self.verdict is not None:
                    timed_out = self.verdict.status is Status.TIMED_OUT
                    asks = has_ranks and timed_out and not self._bounds.is_cut
                    grace = now + (self._ask_ranks() if asks else 0.0)
            if now >= grace:
                self.end()
                grace, lost = float("inf"), now + END_SECONDS
            if now > lost:
                raise WorkerLost("the process that starts rounds does not answer")

    def end(self) -> None:
        """Kills all processes of the round, even those that left its group or lost their parent."""
        end_descendants(self._server.pid)
        end_group(self._pid)

    def report(self) -> Report:
        """The round's own report, or a failure if it cannot be read."""
        try:
            return Report.decode(bytes(self.text))
        except UnreadableReport as error:
            return Report(Status.FAILED, str(error))

    def _ask_ranks(self) -> float:
        """Asks the round where its ranks stand, and returns the seconds it has to answer."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, ASK)
        return _GRACE_SECONDS

    def _read(self) -> bool:
        """Reads the next chunk of the report. False if there is none now, or none to come."""
        if len(self.text) > _LONGEST_REPORT:
            return False
        chunk = self._pipe.read(1 << 16)  # None if the pipe is empty for now
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


def _with_location(verdict: Report, answer: Report) -> Report:
    """The verdict, with the round's answer to the question where its ranks stand."""
    if answer.status is not Status.TIMED_OUT:
        return verdict
    return replace(verdict, reason=f"{verdict.reason}: {answer.reason}")


def _death(number: int, kernel_killed: bool) -> Report:
    if number == signal.SIGKILL and kernel_killed:
        return Report(Status.OUT_OF_MEMORY, "the kernel killed it: the host ran out of memory")
    return Report(Status.CRASHED, f"died by {signal_name(number)}")
