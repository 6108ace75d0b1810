"""The fork server: pays for importing torch once, then forks a process for each round.

    python -m harness.execute.server DESCRIPTOR

The descriptor is one end of a Unix socket pair. The parent sends a job as one packet, with
two descriptors beside it: where the round's report goes, and where what it prints goes. The
server answers with packets of JSON: {"ready": true}, {"started": pid}, and
{"ended": pid, "wait_status": n}. It computes nothing and never touches CUDA, so that the
processes it forks may. When the parent is gone, by whatever means, it ends the round and itself.
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

from harness.execute.messages import PACKET, Job
from harness.process import die_with_parent, end_group, forked


def main(descriptor: int) -> None:
    """Serve until the parent closes its end."""
    channel = socket.socket(fileno=descriptor)
    die_with_parent(os.getppid())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    ended = _wake_on_child_end()
    _preload()
    _say(channel, {"ready": True})
    rounds: set[int] = set()
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ)
        selector.register(ended, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is ended:
                    ended.recv(PACKET)
                    _tell_ended(channel, rounds)
                elif not _start_round(channel, rounds):
                    return _end_all(rounds)


def _preload() -> None:
    """Import what rounds need, so that forked processes have it at once."""
    import harness.execute.worker as worker  # noqa: F401 - torch and the model
    from harness import backends, compression, hardware, operators, parallelism, scenarios

    rooms = (backends, compression, hardware, operators, parallelism, scenarios)
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
    from harness import parallelism, scenarios

    if job.cell.parallelism:
        import harness.execute.proof  # noqa: F401 - torch's parallel parts
    if scenarios.registry[job.cell.scenario.name].trains or job.cell.parallelism:
        import torch._dynamo  # noqa: F401 - a second; optimizers and DDP import it when first used
    with contextlib.suppress(Exception):  # a broken engine is for the round to tell
        parallelism.engine_of(job.cell).preload()


def _wake_on_child_end() -> socket.socket:
    """A socket that turns readable when a child ends."""
    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    _keep.append(writer)
    return reader


_keep: list[socket.socket] = []  # the wake-up's writing end lives as long as the process


def _say(channel: socket.socket, message: dict[str, object]) -> None:
    with contextlib.suppress(BrokenPipeError):  # the parent is gone, as the next read will tell
        channel.send(json.dumps(message).encode())


def _start_round(channel: socket.socket, rounds: set[int]) -> bool:
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
    pid = forked(lambda: _do_round(job, channel, report, output))
    with contextlib.suppress(OSError):  # the child does the same; whoever comes first
        os.setpgid(pid, pid)
    os.close(report)
    os.close(output)
    rounds.add(pid)
    _say(channel, {"started": pid})
    return True


def _do_round(job: Job, channel: socket.socket, report: int, output: int) -> None:
    """In the forked process: measure, and hand over the report."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    channel.close()
    os.dup2(output, 1)
    os.dup2(output, 2)
    from harness.execute.ranks import report_of_ranks
    from harness.execute.worker import report_of

    world = job.processes
    text = (report_of(job) if world == 1 else report_of_ranks(job, world)).encode()
    with os.fdopen(report, "wb") as pipe:
        pipe.write(text)
    sys.stdout.flush()


def _tell_ended(channel: socket.socket, rounds: set[int]) -> None:
    """Reap what ended, with whatever is left of its process group."""
    for pid in sorted(rounds):
        # Looked at first, reaped after the group is ended: until then its number is not reused.
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            continue
        end_group(pid)
        _, wait_status = os.waitpid(pid, 0)
        rounds.discard(pid)
        _say(channel, {"ended": pid, "wait_status": wait_status})


def _end_all(rounds: set[int]) -> None:
    for pid in rounds:
        end_group(pid)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
