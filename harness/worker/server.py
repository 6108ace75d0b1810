"""The fork server: pays for importing torch once, then forks a process for each round.

    python -m harness.worker.server DESCRIPTOR

The descriptor is one end of a Unix socket pair. The parent sends a job as one packet, with
two descriptors beside it: where the round's report goes, and where what it prints goes. The
server answers with packets of JSON: {"ready": true}, {"started": pid}, and
{"ended": pid, "wait_status": n}. It computes nothing and never touches CUDA, so that the
processes it forks may. When the parent is gone, by whatever means, it ends the round and itself.

It adopts what a round's processes leave behind: every descendant of it belongs to the round in
flight, counts towards the round's memory, and ends with it.
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
from harness.worker.messages import PACKET, Job, Report

# How long what a round leaves behind may take to end once it is killed.
_END_SECONDS = 10.0


def main(descriptor: int) -> None:
    """Serve until the parent closes its end."""
    channel = socket.socket(fileno=descriptor)
    die_with_parent(os.getppid())
    adopt_orphans()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    ended, waker = _woken_by_child_ends()
    _preload()
    _say(channel, {"ready": True})
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
    """A socket, or what waits for several."""

    def close(self) -> None:
        """Give its descriptor back."""


def _preload() -> None:
    """Import what rounds need, so that forked processes have it at once."""
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
    import psutil  # noqa: F401 - hardware entries ask it for cores
    import torch
    import torch.ao.quantization

    if torch.cuda.is_initialized():
        raise RuntimeError("an entry touched CUDA while it was imported; forks could not use it")
    gc.collect()
    gc.freeze()  # forked processes then leave these pages shared


def _preload_for(job: Job) -> None:
    """Import what only some rounds need, before the first of them."""
    from harness import launchers, parallelism, scenarios

    if job.cell.parallelism:
        import harness.distributed.assemble
        import harness.worker.parity  # noqa: F401 - torch's parallel parts
    if scenarios.registry[job.cell.scenario.name].trains or job.cell.parallelism:
        import torch._dynamo  # noqa: F401 - a second; optimizers and DDP import it when first used
    with contextlib.suppress(Exception):  # the round reports what is broken
        for strategy in parallelism.strategies(job.cell.parallelism):
            strategy.preload()
        launchers.launcher_of(job.cell).preload()


def _woken_by_child_ends() -> tuple[socket.socket, socket.socket]:
    """A socket that turns readable when a child ends, and its other end, to be kept open."""
    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    return reader, writer


def _say(channel: socket.socket, message: dict[str, object]) -> None:
    with contextlib.suppress(BrokenPipeError):  # the parent is gone, as the next read will tell
        channel.send(json.dumps(message).encode())


def _start_round(channel: socket.socket, rounds: set[int], own: Sequence[Closable]) -> bool:
    """Fork a process for the next job; False once the parent is gone."""
    try:
        packet, descriptors, _, _ = socket.recv_fds(channel, PACKET, 2)
    except ConnectionResetError:  # it went without reading our last message
        return False
    if not packet:
        return False
    report, output = descriptors
    job = Job.decode(packet)
    _preload_for(job)
    pid = forked(lambda: _do_round(job, own, report, output))
    # From now on there are processes to end before this one may: the parent's end is told by the
    # channel, and all that the kernel has to do is to wake this process, should it be stopped.
    when_parent_ends(signal.SIGCONT)
    with contextlib.suppress(OSError):  # the child does the same; whoever comes first
        os.setpgid(pid, pid)
    os.close(report)
    os.close(output)
    rounds.add(pid)
    _say(channel, {"started": pid})
    return True


def _do_round(job: Job, inherited: Sequence[Closable], report: int, output: int) -> None:
    """In the forked process: measure, and hand over the report."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    for one in inherited:  # whatever the round writes to its descriptors, the server is not hit
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
    except (TypeError, ValueError) as error:  # an entry's fact that is no number, a note no text
        return failure(error).encode()


def _reap(channel: socket.socket, rounds: set[int]) -> None:
    """Reap what ended: a round once all that it leaves behind is ended, and adopted orphans."""
    with contextlib.suppress(ChildProcessError):  # there is none left
        # Looked at first, reaped later: until then a process's number is not given to another.
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
