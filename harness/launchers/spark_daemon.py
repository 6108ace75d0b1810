"""pyspark's daemon, which starts Spark's Python workers, changed to reap them when they end.

Only Spark runs it. pyspark's own daemon ignores the ends of its children, so the kernel drops their
processor time, and the round's work looks like that of another program.
"""

from __future__ import annotations

import os
from contextlib import suppress


def main() -> None:
    """Runs until Spark ends it."""
    from pyspark import daemon

    daemon.SIG_IGN = reap_children  # its handler for SIGCHLD and, before a fork, for SIGHUP
    daemon.manager()


def reap_children(*_: object) -> None:
    """A signal handler that waits for all children that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


if __name__ == "__main__":
    main()
