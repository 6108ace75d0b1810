"""What Spark starts its Python workers by: pyspark's daemon, except that it waits for them.

Run by Spark alone. pyspark's leaves its children to the kernel, which then forgets what processor
time they took; the round's would look like some other program's.
"""

from __future__ import annotations

import os
from contextlib import suppress


def main() -> None:
    """Runs until Spark ends it."""
    from pyspark import daemon

    daemon.SIG_IGN = wait_for_those_ended  # its answer to SIGCHLD and, before a fork, to SIGHUP
    daemon.manager()


def wait_for_those_ended(*_: object) -> None:
    """A signal handler."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


if __name__ == "__main__":
    main()
