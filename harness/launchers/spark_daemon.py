"""pyspark's daemon, which starts Spark's Python workers, except that this one waits for them.

Only Spark runs it. pyspark's own ignores its children's ends, and the kernel then drops their
processor time: the round's work would look like another program's.
"""

from __future__ import annotations

import os
from contextlib import suppress


def main() -> None:
    """Run until Spark ends it."""
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
