"""The command line in a process forked from one that has imported it."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path

_PRELOAD = [
    "harness.cli",
    "harness.pipeline",
    "harness.site.build",
    "alembic.command",
    "asv.step_detect",
    "scipy.special",
    "sqlalchemy.dialects.sqlite",
    __name__,
]


def context() -> ForkServerContext:
    """Where such processes are made; its server imports what every command needs."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(_PRELOAD)
    return made


def call(
    made: ForkServerContext,
    arguments: Sequence[str],
    folder: Path,
    env: Mapping[str, str],
    streams: tuple[Path, Path],
    timeout: float,
) -> int:
    """Its exit code; what it writes goes to the two files. TimeoutExpired as of subprocess."""
    one = made.Process(target=_main, args=(list(arguments), folder, dict(env), streams))
    one.start()
    one.join(timeout)
    if one.exitcode is None:
        one.kill()
        one.join()
        raise subprocess.TimeoutExpired(list(arguments), timeout)
    return one.exitcode


def _main(
    arguments: list[str], folder: Path, env: Mapping[str, str], streams: tuple[Path, Path]
) -> None:
    """As `python -m harness` begins: with that environment, there, and streams of its own."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for descriptor, path in enumerate((Path(os.devnull), *streams)):
        opened = os.open(path, flags if descriptor else os.O_RDONLY)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = (
        open(descriptor, mode, closefd=False)  # noqa: SIM115 - they stay open
        for descriptor, mode in enumerate("rww")
    )
    sys.argv = ["harness", *arguments]
    from harness.cli import main

    main()
