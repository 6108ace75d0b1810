"""Operators that do what no operator may do, in their round's process.

The option `deed` chooses the offence. The harness must give each deed a status within its limits,
leave none of its processes behind, and measure other cells as if it were not there.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from harness.domain.entry import Options
from harness.model.shape import Shape
from harness.operators import register
from harness.operators.sdpa import Sdpa

if TYPE_CHECKING:
    import torch

    from harness.model.mixer import TokenMixer

_MIB = 2**20
_HOUR = 3600


def _daemon(work: Callable[[], object]) -> None:
    """Runs `work` in an orphan process with its own session. It keeps all pipes open."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            work()
        os._exit(0)
    os.wait()


def _hold(mebibytes: int) -> None:
    held = bytearray(b"\1") * (mebibytes * _MIB)
    time.sleep(_HOUR)
    del held


def _descriptors() -> list[int]:
    return sorted(int(link.name) for link in Path("/proc/self/fd").iterdir())


def _report_pipes() -> list[int]:
    """Descriptors of this process that are pipes. The report pipe is among them."""
    links = {number: Path(f"/proc/self/fd/{number}") for number in _descriptors()}
    return [number for number, link in links.items() if link.is_fifo() and number > 2]


def _report(text: bytes) -> None:
    """Sends this text as the round's report, and ends with exit code 0."""
    for pipe in _report_pipes():
        os.write(pipe, text)
    os._exit(0)


def daemon() -> None:
    """Leaves a daemon that keeps the report pipe open, then goes on honestly."""
    _daemon(lambda: time.sleep(_HOUR))


def greedy_daemons() -> None:
    """Leaves four daemons of 600 MiB each, and waits."""
    for _ in range(4):
        _daemon(lambda: _hold(600))
    time.sleep(_HOUR)


def greedy_children() -> None:
    """Allocates memory in children, and waits."""
    for _ in range(4):
        if os.fork() == 0:
            _hold(600)
    time.sleep(_HOUR)


def leaver() -> None:
    """Leaves its process group, and never ends."""
    os.setpgid(0, os.getpgid(os.getppid()))
    time.sleep(_HOUR)


def popen() -> None:
    """Starts a program in its own session, then goes on honestly."""
    sleeper = f"import time; time.sleep({_HOUR})"
    subprocess.Popen([sys.executable, "-c", sleeper], start_new_session=True)


def listener() -> None:
    """Leaves a daemon that listens on a port, then goes on honestly."""
    server = socket.create_server(("127.0.0.1", int(os.environ["HOSTILE_PORT"])))
    _daemon(lambda: time.sleep(_HOUR))
    server.close()


def scribbler() -> None:
    """Writes garbage to each of its descriptors, then goes on honestly."""
    for number in _descriptors():
        try:
            os.set_blocking(number, False)
            os.write(number, b"garbage\xff\0{]")
        except OSError:  # not open for writing
            continue


def flood() -> None:
    """Writes garbage to the report pipe for ever."""
    while True:
        for pipe in _report_pipes():
            os.write(pipe, b"x" * _MIB)


def measuring() -> None:
    """Reports `measuring`, a status that no round may have."""
    _report(b'{"status": "measuring"}')


def empty() -> None:
    """Reports `ok` without a single sample."""
    _report(b'{"status": "ok"}')


def endless() -> None:
    """Reports a sample of NaN seconds."""
    sample = b'{"section": "latency", "seconds": NaN, "warmup": false}'
    _report(b'{"status": "ok", "samples": [' + sample + b"]}")


def silent() -> None:
    """Ends without a report."""
    os._exit(0)


def exits() -> None:
    """Raises SystemExit."""
    sys.exit("enough")


def interrupts() -> None:
    """Raises KeyboardInterrupt."""
    raise KeyboardInterrupt


class _Wordless(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def wordless() -> None:
    """Raises an exception that cannot be printed."""
    raise _Wordless


def surrogate() -> None:
    """Raises an exception whose text is not UTF-8."""
    raise ValueError(os.fsdecode(b"caf\xe9"))


def endless_words() -> None:
    """Raises an exception with a text of 50 MB."""
    raise ValueError("z" * 50_000_000)


def escapes() -> None:
    """Raises an exception whose text holds terminal escape sequences."""
    raise ValueError("\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil")


def waits() -> None:
    """Leaves a daemon, and waits."""
    _daemon(lambda: time.sleep(_HOUR))
    print("waiting", flush=True)
    time.sleep(_HOUR)


def stops_server() -> None:
    """Stops the process that starts rounds (SIGSTOP), then goes on honestly."""
    os.kill(os.getppid(), signal.SIGSTOP)


def kills_server() -> None:
    """Leaves a daemon, and kills the process that starts rounds."""
    _daemon(lambda: time.sleep(_HOUR))
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(_HOUR)


_DEEDS = {
    deed.__name__.replace("_", "-"): deed
    for deed in (
        *(daemon, greedy_daemons, greedy_children, leaver, popen, listener),
        *(scribbler, flood, measuring, empty, endless, silent),
        *(exits, interrupts, wordless, surrogate, endless_words, escapes),
        *(waits, stops_server, kills_server),
    )
}


@register("hostile", "does what an operator must not do")
class Hostile(Sdpa):
    """Does its deed when the model's first layer is built."""

    class Options(Options):
        """Which deed to do."""

        deed: str = Field(description=f"one of {', '.join(_DEEDS)}")

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """An attention layer, if the deed ever ends."""
        if layer == 0:
            _DEEDS[self.options.deed]()
        return super().mixer(shape, layer)


@register("nan", "multiplies by NaN")
class Nan(Sdpa):
    """A diverged or broken operator."""

    class Options(Options):
        """When the output is NaN."""

        when: Literal["always", "decode"] = Field(
            "always", description="in every pass, or only in decode"
        )

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """An attention layer whose output is NaN."""
        mixer = super().mixer(shape, layer)

        def spoil(_: object, __: object, output: torch.Tensor) -> torch.Tensor:
            spoils = self.options.when == "always" or output.shape[1] == 1
            return output * float("nan") if spoils else output

        mixer.register_forward_hook(spoil)
        return mixer
