"""Run a module in its own process, which reports line by line as it works."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from typing import IO

from harness.errors import ProcessLost
from harness.process import child_environment, end_group, signal_name

_TAIL_BYTES = 2000


def lines(module: str, order: str, seconds: float) -> Generator[bytes, None, None]:
    """Yield the lines that `python -m MODULE PARENT DESCRIPTOR ORDER` writes to the descriptor.

    Raises ProcessLost if it fails or takes longer than `seconds`. The process never
    outlives the iteration.
    """
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb", buffering=0) as pipe, tempfile.TemporaryFile() as output:
        try:
            process = _start(module, order, writer, output)
        finally:
            os.close(writer)
        try:
            yield from _whole_lines(pipe, time.monotonic() + seconds)
            code = process.wait()
        except BaseException:
            end_group(process.pid)  # most likely Ctrl-C: no process may stay behind
            process.wait()
            raise
        if code:
            raise ProcessLost(_ended(code, output))


def _start(module: str, order: str, writer: int, output: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", module, str(os.getpid()), str(writer), order],
        pass_fds=[writer],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        # Its own session, and so its own group: a terminal's Ctrl-C reaches only the parent.
        start_new_session=True,
        env=child_environment(),
    )


def _whole_lines(pipe: IO[bytes], deadline: float) -> Iterator[bytes]:
    """Yield lines as they arrive, until the other end is closed."""
    rest = b""
    while True:
        ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise ProcessLost("took far longer than expected and was ended")
        chunk = pipe.read(1 << 16)
        if not chunk:
            return
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole


def _ended(code: int, output: IO[bytes]) -> str:
    end = f"died by {signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _TAIL_BYTES))
    tail = output.read().decode(errors="replace").strip().splitlines()
    return end + (f": {tail[-1]}" if tail else "")
