"""The fork server's process and the channel to it, on the parent's side (see worker/server.py)."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from typing import Any

import psutil

from harness.errors import WorkerLost
from harness.process import (
    child_environment,
    end_marked,
    signal_name,
)
from harness.worker.messages import PACKET, PROTOCOL, Job

POLL_SECONDS = 0.05  # between two checks of a round; a check takes 0.1 ms per process
# How long the fork server has ...
_READY_SECONDS = 300.0  # to import torch
_START_SECONDS = 120.0  # to start a round
END_SECONDS = 30.0  # to notice that a killed round has ended
_CLOSE_SECONDS = 5.0  # to end itself
# Marks the server's environment, which all its descendants inherit.
_MARK = "HARNESS_ROUNDS"


class ForkServer:
    """The fork server's process and the channel to it.

    `python` is the interpreter that runs it, with these environment variables; by default this
    process's own.
    """

    def __init__(
        self, python: str = sys.executable, variables: Mapping[str, str] | None = None
    ) -> None:
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._mark = uuid.uuid4().hex
        with theirs:
            # A session of its own, so that a terminal's Ctrl-C reaches the parent alone.
            self._process = subprocess.Popen(
                [python, "-m", "harness.worker.server", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
                env={**child_environment(variables), _MARK: self._mark},
            )
        self.pid = self._process.pid
        self._ready = False
        self._protocol: object = None  # of its messages, once it is ready

    def hear(self, seconds: float = END_SECONDS) -> dict[str, Any]:
        """The server's next message. Raises WorkerLost if none comes in time or ever will."""
        deadline = time.monotonic() + seconds
        while not select.select([self.channel], [], [], POLL_SECONDS)[0]:
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

    def await_import(self, seconds: float) -> None:
        """Waits until the server has imported torch, for so long at most."""
        if not self._ready:
            with contextlib.suppress(WorkerLost):  # the first round says so, if it is lost
                self._await_ready(seconds)

    def _await_ready(self, seconds: float) -> None:
        self._protocol = self.hear(seconds).get("protocol")
        self._ready = True

    def start(self, job: Job, report: int, output: int) -> int:
        """Forks a process for the job, and returns its process id."""
        if not self._ready:
            self._await_ready(_READY_SECONDS)
        if self._protocol != PROTOCOL:
            raise WorkerLost(f"its rounds speak protocol {self._protocol}, not {PROTOCOL}")
        try:
            socket.send_fds(self.channel, [job.encode()], [report, output])
        except (BrokenPipeError, ConnectionResetError):
            self.hear()  # raises WorkerLost, which says how the server ended
            raise
        pid: int = self.hear(_START_SECONDS)["started"]
        return pid

    def wake(self) -> None:
        """Resumes the server if something has stopped it (SIGSTOP)."""
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(self.pid).status() == psutil.STATUS_STOPPED:
                os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Ends the server, any round in flight, and all processes that rounds left behind."""
        self.channel.close()
        if not self._ready:  # it is still importing, and would not notice the closed channel
            self._process.kill()
        self.wake()
        self._end()
        end_marked(_MARK, self._mark)

    def _end(self) -> str:
        """Waits for the server to end, or kills it, and says how it ended."""
        try:
            code = self._process.wait(_CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        return signal_name(-code) if code < 0 else f"exit code {code}"
