"""One lock per user and machine, so that no two of these commands measure at once."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO

from harness.dispatch.artifacts import cache
from harness.errors import UsageError


@contextmanager
def locked(command: str) -> Iterator[None]:
    """Holds the lock. Raises UsageError, which says who holds it, if another process does.

    The system releases it when the process ends, in whatever way.
    """
    path = cache() / "night.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(_holder(file)) from None
        file.seek(0)
        file.truncate()
        since = datetime.now(UTC).isoformat(timespec="seconds")
        json.dump({"pid": os.getpid(), "since": since, "command": command}, file)
        file.flush()
        yield


def _holder(file: IO[str]) -> str:
    file.seek(0)
    try:
        held = json.loads(file.read())
        who = f"process {held['pid']} since {held['since']}: {held['command']}"
    except (ValueError, KeyError, TypeError):  # it has only just begun
        who = "another process"
    return f"two nights at once would disturb each other, and one is running ({who})"
