"""The fork server: imports torch once, then forks a process for each round.

    python -m harness.worker.server DESCRIPTOR

The descriptor is one end of a Unix socket pair. The parent sends each job as one packet, together
with two descriptors: one for the round's report, one for its output. The server sends packets of
JSON: {"ready": true, "protocol": n}, {"started": pid}, and {"ended": pid, "wait_status": n}. It
computes nothing and never touches CUDA, so that the processes it forks can use CUDA. When the
parent ends, in whatever way, the server ends the round and itself.

The server adopts the orphans of a round's processes: each of its descendants belongs to the round
in flight, counts towards the round's memory, and ends with it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Protocol

from harness.process import (
    adopt_orphans,
    die_with_parent,
    end_and_reap_descendants,
    end_group,
    forked,
    when_parent_ends,
)
from harness.worker.messages import PACKET, PROTOCOL, Job, Report

_END_SECONDS = 10.0  # for the processes that a round leaves behind to end, once killed


def main(descriptor: int) -> None:
    """Serves until the parent closes its end."""
    channel = socket.socket(fileno=descriptor)
    die_with_parent(os.getppid())
    adopt_orphans()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    ended, waker = _woken_by_child_ends()
    _preload()
    _say(channel, {"ready": True, "protocol": PROTOCOL})
    rounds: set[int] = set()
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ)
        selector.register(ended, selectors.EVENT_READ)
        own = (channel, ended, waker, selector)
        while True:
            for key, _ in selector.select():
                if key.fileobj is ended:
                    ended.recv(PACKET)
                    _reap(channel, rounds)
                elif not _start_round(channel, rounds, own):
                    end_and_reap_descendants(zombie=0, seconds=_END_SECONDS)
                    return


class Closable(Protocol):
    """A socket or a selector."""

    def close(self) -> None:
        """Closes its descriptor."""


def _preload() -> None:
    """Imports the modules of all rounds, so that no forked process has to."""
    import harness.worker.round as worker  # noqa: F401 - torch and the model
    from harness import (
        backends,
        compression,
        hardware,
        launchers,
        operators,
        parallelism,
        scenarios,
    )

    rooms = (backends, compression, hardware, launchers, operators, parallelism, scenarios)
    for room in rooms:
        room.registry.entries()
    import psutil  # noqa: F401 - hardware entries count cores with it
    import torch
    import torch.ao.quantization

    if torch.cuda.is_initialized():
        raise RuntimeError("an entry touched CUDA while it was imported; forks could not use it")
    gc.collect()
    gc.freeze()  # so that forked processes keep sharing these pages


def _preload_for(job: Job) -> None:
    """Imports the modules that only some rounds need, before the first such round."""
    from harness import launchers, parallelism, scenarios

    if job.cell.parallelism:
        import harness.distributed.assemble
        import harness.worker.parity  # noqa: F401 - torch's parallel parts
    trains = scenarios.registry[job.cell.scenario.name].trains
    if trains or job.cell.parallelism or job.cell.factory:
        # Slow: optimizers, DDP and torch's FLOP counter import it at their first use.
        import torch._dynamo  # noqa: F401
    with contextlib.suppress(Exception):  # the round imports them again, and reports the failure
        for strategy in parallelism.strategies(job.cell.parallelism):
            strategy.preload()
        launchers.launcher_of(job.cell).preload()


def _woken_by_child_ends() -> tuple[socket.socket, socket.socket]:
    """A socket that becomes readable when a child ends, and its other end, to be kept open."""
    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    return reader, writer


def _say(channel: socket.socket, message: dict[str, object]) -> None:
    with contextlib.suppress(BrokenPipeError):  # the parent has ended: the next read shows it
        channel.send(json.dumps(message).encode())


def _start_round(channel: socket.socket, rounds: set[int], own: Sequence[Closable]) -> bool:
    """Forks a process for the next job. False if the parent has ended."""
    try:
        packet, descriptors, _, _ = socket.recv_fds(channel, PACKET, 2)
    except ConnectionResetError:  # it ended without reading our last message
        return False
    if not packet:
        return False
    report, output = descriptors
    job = Job.decode(packet)
    _preload_for(job)
    pid = forked(lambda: _do_round(job, own, report, output))
    # From now on this process must end the round before itself, so the kernel must not kill it when
    # the parent ends. The closed channel shows that end; SIGCONT wakes this process if stopped.
    when_parent_ends(signal.SIGCONT)
    with contextlib.suppress(OSError):  # the child does the same, and may be first
        os.setpgid(pid, pid)
    os.close(report)
    os.close(output)
    rounds.add(pid)
    _say(channel, {"started": pid})
    return True


def _do_round(job: Job, inherited: Sequence[Closable], report: int, output: int) -> None:
    """Runs in the forked process: does the job, and writes its report."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    for one in inherited:  # the round's code must not reach the server's descriptors
        one.close()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    with os.fdopen(report, "wb") as pipe:
        pipe.write(_report_text(job))
    sys.stdout.flush()


def _report_text(job: Job) -> bytes:
    from harness.worker.ranks import report_of_ranks
    from harness.worker.round import failure, report_of

    world = job.processes
    report: Report = report_of(job) if world == 1 else report_of_ranks(job, world)
    try:
        return report.encode()
    except (TypeError, ValueError) as error:  # an entry's fact is no number, or its note no text
        return failure(error).encode()


def _reap(channel: socket.socket, rounds: set[int]) -> None:
    """Reaps ended children: rounds, after killing what they leave behind, and adopted orphans."""
    with contextlib.suppress(ChildProcessError):  # no child is left
        # WNOWAIT: the kernel does not reuse a round's pid before the round is reaped.
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid in rounds:
                end_group(ended.si_pid)
                end_and_reap_descendants(zombie=ended.si_pid, seconds=_END_SECONDS)
            _, wait_status = os.waitpid(ended.si_pid, 0)
            if ended.si_pid in rounds:
                rounds.discard(ended.si_pid)
                when_parent_ends(signal.SIGKILL)
                _say(channel, {"ended": ended.si_pid, "wait_status": wait_status})


if __name__ == "__main__":
    main(int(sys.argv[1]))
