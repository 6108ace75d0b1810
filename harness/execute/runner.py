"""The parent's side of a round: start it, watch its time and memory, take its report."""

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
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import IO, Any, Self

from harness.domain.result import Round, Status
from harness.errors import WorkerLost
from harness.execute.memory import family, oom_kills, resident_bytes
from harness.execute.messages import PACKET, Job, Report
from harness.process import ASK, child_environment, end_group, signal_name

# How often a round's memory is looked at. A look takes 0.1 ms a process, more if it has threads.
_POLL_SECONDS = 0.05
# How long ranks have to tell where they stand, once the round's time is up.
_GRACE_SECONDS = 15.0
# What a round printed, as far as its result keeps it.
_TAIL_BYTES = 4000


@dataclass(frozen=True)
class Bounds:
    """What a round may use before it is ended."""

    seconds: float
    memory_bytes: int  # resident, all its processes together


class Runner:
    """Runs rounds one at a time, each in a process group of its own.

    A context manager. The fork server starts at once, so that it imports torch while the caller
    prepares, and anew should it be lost.
    """

    def __init__(self) -> None:
        self._server: _Server | None = None

    def __enter__(self) -> Self:
        self._server = _Server()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def round(self, job: Job, bounds: Bounds) -> Round:
        """Do the round; whatever becomes of it is in its status."""
        if self._server is None:
            self._server = _Server()
        started, begin = datetime.now(UTC), time.perf_counter()
        with tempfile.TemporaryFile() as output:
            try:
                report = _watched(self._server, job, bounds, output)
            except WorkerLost as loss:
                self._close()
                report = Report(Status.CRASHED, str(loss))
            detail = report.detail
            if report.status is not Status.OK:
                detail = "\n".join(part for part in (detail, _tail(output)) if part)
        return Round(
            index=job.index,
            status=report.status,
            reason=report.reason,
            detail=detail,
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
        with theirs:
            # A session of its own, so that a terminal's Ctrl-C reaches the parent alone.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "harness.execute.server", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
                env=child_environment(),
            )
        self._ready = False

    def hear(self) -> dict[str, Any]:
        """The server's next message; WorkerLost when there will be none."""
        try:
            packet = self.channel.recv(PACKET)
        except ConnectionResetError:
            packet = b""
        if not packet:
            code = self._process.wait()
            end = signal_name(-code) if code < 0 else f"exit code {code}"
            raise WorkerLost(f"the process that starts rounds ended ({end})")
        message: dict[str, Any] = json.loads(packet)
        return message

    def start(self, job: Job, report: int, output: int) -> int:
        """Fork a process for the job; its process id."""
        if not self._ready:
            self.hear()
            self._ready = True
        try:
            socket.send_fds(self.channel, [job.encode()], [report, output])
        except (BrokenPipeError, ConnectionResetError):
            self.hear()  # says how it ended
            raise
        pid: int = self.hear()["started"]
        return pid

    def close(self) -> None:
        """End the server and, with it, any round it has in flight."""
        self.channel.close()
        if not self._ready:  # it still imports, and would not notice
            self._process.kill()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _watched(server: _Server, job: Job, bounds: Bounds, output: IO[bytes]) -> Report:
    """The round's report, or the parent's own where the round was ended or died."""
    kills_before = oom_kills()
    asks = job.processes > 1
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        try:
            pid = server.start(job, writer, output.fileno())
        finally:
            os.close(writer)
        try:
            text, wait_status, verdict = _wait(server, pid, pipe, bounds, asks=asks)
        except BaseException:
            _end_all(pid)  # Ctrl-C, most likely: nothing of the round may stay behind
            raise
    if verdict is not None:
        if asks and text and not os.WIFSIGNALED(wait_status):
            where = Report.decode(text)
            if where.status is Status.TIMED_OUT:
                return replace(verdict, reason=f"{verdict.reason}: {where.reason}")
        return verdict
    if os.WIFSIGNALED(wait_status):
        return _death(os.WTERMSIG(wait_status), kernel_killed=oom_kills() > kills_before)
    if not text:
        return Report(Status.FAILED, f"ended with exit code {os.WEXITSTATUS(wait_status)}")
    return Report.decode(text)


def _wait(
    server: _Server, pid: int, pipe: IO[bytes], bounds: Bounds, *, asks: bool
) -> tuple[bytes, int, Report | None]:
    """Read the report until the process has ended, or end it when it goes out of bounds.

    `asks`: when its time is up, ask it first where its ranks stand, which it answers by a report.
    """
    grace = float("inf")
    deadline = time.monotonic() + bounds.seconds
    chunks: list[bytes] = []
    verdict: Report | None = None
    reading: list[Any] = [pipe, server.channel]
    while True:
        ready, _, _ = select.select(reading, [], [], _POLL_SECONDS)
        if pipe in ready:
            chunk = pipe.read(1 << 16)
            chunks.append(chunk)
            if not chunk:
                reading.remove(pipe)
        elif server.channel in ready:
            message = server.hear()
            if message.get("ended") == pid:
                return b"".join(chunks) + _rest(pipe), message["wait_status"], verdict
        if verdict is None:
            verdict = _out_of_bounds(pid, deadline, bounds)
            if verdict is not None and verdict.status is Status.TIMED_OUT and asks:
                os.kill(pid, ASK)  # not reaped before the server tells: the number is its own
                grace = time.monotonic() + _GRACE_SECONDS
            elif verdict is not None:
                _end_all(pid)
        elif time.monotonic() > grace:
            _end_all(pid)


def _end_all(pid: int) -> None:
    """Kill the round's group, and those of its descendants that left it, as Spark's do."""
    members = [*family(pid)]
    end_group(pid)
    for one in members:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


def _rest(pipe: IO[bytes]) -> bytes:
    return b"".join(iter(lambda: pipe.read(1 << 16), b""))


def _out_of_bounds(pid: int, deadline: float, bounds: Bounds) -> Report | None:
    if time.monotonic() > deadline:
        return Report(Status.TIMED_OUT, f"the round took longer than {bounds.seconds:g} s")
    held = resident_bytes(pid)
    if held > bounds.memory_bytes:
        return Report(
            Status.OUT_OF_MEMORY,
            f"held {held / 2**30:.2f} GiB, more than the limit of "
            f"{bounds.memory_bytes / 2**30:.2f} GiB",
        )
    return None


def _death(number: int, kernel_killed: bool) -> Report:
    if number == signal.SIGKILL and kernel_killed:
        return Report(Status.OUT_OF_MEMORY, "the kernel killed it for want of memory")
    return Report(Status.CRASHED, f"died by {signal_name(number)}")


def _tail(output: IO[bytes]) -> str:
    """The last lines the round printed."""
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _TAIL_BYTES))
    return output.read().decode(errors="replace").strip()
