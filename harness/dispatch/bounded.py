"""A job in flight on this host: its report as it comes, within the time and memory it may use."""

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

# How long ranks have to say where they stand, once the round's time is up.
_GRACE_SECONDS = 15.0
# A million samples take half of it.
_LONGEST_REPORT = 128 * 2**20
# A round that prints more is ended, before it fills the disk.
_LONGEST_OUTPUT = 2**30


def report_of(server: ForkServer, job: Job, bounds: Bounds, output: IO[bytes]) -> Report:
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
        self, server: ForkServer, pid: int, bounds: Bounds, pipe: IO[bytes], output: IO[bytes]
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
            ready, _, _ = select.select(reading, [], [], POLL_SECONDS)
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
                grace, lost = float("inf"), now + END_SECONDS
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
