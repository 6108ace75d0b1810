"""Spark: its TorchDistributor starts the ranks, as tasks of a barrier stage.

A task starts torchrun, which starts a process that forks the rank. So the rank's wait status is
known as exactly as without Spark. The ranks communicate through torch. A launch takes 15 seconds
or more, which count as `launch_time`, not as part of a step.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import cache, partial
from math import prod
from pathlib import Path
from threading import Thread
from typing import Any

from pydantic import Field, field_validator

from harness.domain.cell import Cell
from harness.domain.entry import Options
from harness.domain.run import Host
from harness.errors import HarnessError
from harness.launchers import INSTALL, RankHandles, RankMain, register
from harness.launchers.torch import Torch
from harness.process import die_with_parent, forked

_STANDALONE = "standalone"
# Every form of a master's address. A local master may give its number of slots.
_MASTER = re.compile(
    rf"|{_STANDALONE}|local\[((?P<slots>\d+)|\*)\]|spark://[^,]+:\d+(,[^,]+:\d+)*|yarn|k8s://.+"
)
_PASSED_ON = ("PYTHONPATH", "SPARK_LOCAL_IP", "OPENBLAS_NUM_THREADS", "HARNESS_CACHE")
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_JAVA = 17  # the oldest version that Spark runs on
_JAVA_SECONDS = 10.0  # time limit of `java -version`, which takes a tenth of that
_CONNECT_SECONDS = 5.0
_START_SECONDS = 60.0
_STOP_SECONDS = 5.0


@register("spark", "Spark: TorchDistributor in barrier mode")
class Spark(Torch):
    """Runs on a cluster started for the round, or on any master whose workers are on this host."""

    class Options(Options):
        """Where the ranks run."""

        master: str = Field(
            "",
            examples=["standalone"],
            description="a master's address, `local[N]`, or `standalone` for a cluster that is "
            "started for the round; by default local, with one core per process",
        )

        @field_validator("master")
        @classmethod
        def _known(cls, master: str) -> str:
            if not _MASTER.fullmatch(master):
                raise ValueError(
                    f"{master!r} is none of standalone, local[N], spark://host:port, yarn, k8s://…"
                )
            return master

    package = "pyspark"
    requires = ("pandas", "pyarrow")
    modules = ("pyspark.sql", "pyspark.ml.torch.distributor")
    launch_seconds = 15.0

    @classmethod
    def unavailable(cls, host: Host) -> str | None:
        """Also checks for Java."""
        if reason := super().unavailable(host):
            return reason
        # Spark looks for Java in the same places (bin/spark-class).
        home = os.environ.get("JAVA_HOME", "")
        java = f"{home}/bin/java" if home else shutil.which("java")
        if java is None:
            return f"spark needs Java {_JAVA} or later: {INSTALL}"
        version = java_version(_version_text(java))
        if version is not None and version >= _JAVA:
            return None
        found = f"is Java {version}" if version else "reports no Java version"
        return f"spark needs Java {_JAVA} or later; {java} {found}"

    @property
    def starts_descendants(self) -> bool:
        """False on a master that was running before: its workers start the ranks."""
        return "://" not in self.options.master and self.options.master != "yarn"

    def refuses(self, cell: Cell, degrees: Mapping[str, int]) -> str | None:
        """Refuses more ranks than a local master has slots: they would wait for ever."""
        world = prod(degrees.values())
        master = _MASTER.fullmatch(self.options.master)
        if master and master["slots"] and int(master["slots"]) < world:
            return f"{self.options.master} has too few slots for {world} processes"
        return super().refuses(cell, degrees)

    @contextmanager
    def started(self, world: int, main: RankMain, folder: Path) -> Iterator[RankHandles]:
        """Starts the ranks as a Spark job, in a session that ends with the round."""
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"  # otherwise the host's name must resolve
        os.environ["PYSPARK_PYTHON"] = sys.executable
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        given = self.options.master
        _reach(given)
        cluster = _cluster(world, folder) if given == _STANDALONE else nullcontext(given)
        with cluster as master, _session(master or f"local[{world}]", world, folder) as session:
            job = _Job(session, world, main, folder)
            job.start()
            yield _SparkRanks(job, folder)
            job.join(_STOP_SECONDS)


def java_version(text: str) -> int | None:
    """The major version: 17 for `openjdk version "17.0.15"`, 8 for `1.8.0_392`. None without."""
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(found[1]) if found else None


@cache
def _version_text(java: str) -> str:
    try:
        done = subprocess.run(
            [java, "-version"], capture_output=True, text=True, timeout=_JAVA_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stderr


def _reach(master: str) -> None:
    """Raises HarnessError if no standalone master listens: Spark would retry silently for a minute.

    If the address lists several masters, separated by commas, one must answer.
    """
    refusals = []
    for address in filter(None, master.partition("spark://")[2].split(",")):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
        except OSError as error:
            refusals.append(f"{address}: {error.strerror or error}")
        else:
            return
    if refusals:
        raise HarnessError(f"no master answers at {', '.join(refusals)}")


class _Job(Thread):
    """The Spark job. It runs in a thread, because Spark's call blocks until the job ends."""

    def __init__(self, session: Any, world: int, main: RankMain, folder: Path) -> None:
        from pyspark.ml.torch.distributor import TorchDistributor

        super().__init__(daemon=True)
        self.error: Exception | None = None
        self._arguments = (main, folder, socket.gethostname(), os.environ.get(_VISIBLE))
        self._distributor: Any = TorchDistributor(
            num_processes=world, local_mode=False, use_gpu=False
        )
        self._distributor.logger.setLevel("ERROR")

    def run(self) -> None:
        try:
            self._distributor.run(_keep, *self._arguments)
        except Exception as error:  # noqa: BLE001 - raised where the round waits for the ranks
            self.error = error


def _keep(main: RankMain, folder: Path, host: str, visible: str | None) -> None:
    """Forks the rank and waits for it. Runs in one of Spark's processes."""
    # Spark hides GPUs that it did not assign.
    os.environ.pop(_VISIBLE, None)
    if visible is not None:
        os.environ[_VISIBLE] = visible
    if socket.gethostname() != host:
        raise HarnessError(f"a worker is on {socket.gethostname()}, but results belong to {host}")
    rank = int(os.environ["RANK"])
    pid = forked(lambda: main(rank))
    _write(_pid_file(folder, rank), pid)
    _, wait_status = os.waitpid(pid, 0)
    _write(_end_file(folder, rank), wait_status)


class _SparkRanks(RankHandles):
    """Handles of the ranks, read from the files that `_keep` writes for each."""

    def __init__(self, job: _Job, folder: Path) -> None:
        self._job, self._folder = job, folder

    def pids(self) -> Mapping[int, int]:
        files = self._folder.glob(_pid_file(self._folder, "*").name)
        return {int(file.stem.split("-")[1]): int(file.read_text()) for file in files}

    def ended(self, rank: int) -> int | None:
        over = not self._job.is_alive()  # check this first: an ended job writes no more files
        file = _end_file(self._folder, rank)
        if file.exists():
            return int(file.read_text())
        if over:
            raise self._job.error or HarnessError(f"Spark's job ended without rank {rank}")
        return None


def _pid_file(folder: Path, rank: object) -> Path:
    return folder / f"rank-{rank}.pid"


def _end_file(folder: Path, rank: object) -> Path:
    return folder / f"rank-{rank}.end"


def _write(file: Path, number: int) -> None:
    """Writes another file and renames it, so that no reader sees half a number."""
    begun = file.with_suffix(".begun")
    begun.write_text(str(number))
    begun.rename(file)


@contextmanager
def _session(master: str, world: int, folder: Path) -> Iterator[Any]:
    from pyspark.sql import SparkSession

    settings = {
        "spark.cores.max": world,
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "512m",
        "spark.executor.cores": world,
        "spark.executor.memory": "512m",
        "spark.local.dir": folder,
        "spark.python.daemon.module": "harness.launchers.spark_daemon",
        "spark.python.worker.reuse": "false",
        "spark.sql.warehouse.dir": folder,
        # A failed rank is a result: Spark must not retry it.
        "spark.stage.maxConsecutiveAttempts": 1,
        "spark.task.maxFailures": 1,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # Check each second, for half a minute, for enough free slots.
        "spark.scheduler.barrier.maxConcurrentTasksCheck.interval": "1s",
        "spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures": 30,
        **{
            f"spark.executorEnv.{name}": os.environ[name]
            for name in _PASSED_ON
            if name in os.environ
        },
    }
    builder: Any = SparkSession.builder.master(master).appName("harness")
    for name, value in settings.items():
        builder = builder.config(name, str(value))
    session = builder.getOrCreate()
    try:
        yield session
    finally:
        _end(session)


def _end(session: Any) -> None:
    """Stops the session and reaps its JVM, whose processor time then counts as this process's."""
    gateway = session.sparkContext._gateway
    session.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()  # the JVM exits when its input closes
    try:
        gateway.proc.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        gateway.proc.kill()
        gateway.proc.wait()


@contextmanager
def _cluster(cores: int, folder: Path) -> Iterator[str]:
    """Starts a master and a worker with `cores` cores, and yields the master's address."""
    place = ("--host", "127.0.0.1", "--webui-port", "0")
    with _daemon("Master", folder, *place, "--port", "0") as log:
        address = _awaited(log, r"Starting Spark master at (spark://\S+)")
        size = ("--cores", str(cores), "--memory", "1g", "--work-dir", str(folder / "work"))
        with _daemon("Worker", folder, *place, *size, address) as worker:
            _awaited(worker, "(Successfully registered with master)")
            yield address


@contextmanager
def _daemon(name: str, folder: Path, *arguments: str) -> Iterator[Path]:
    """Starts one of Spark's own processes, and yields its log file."""
    import pyspark

    home = Path(pyspark.__file__).parent
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                home / "bin/spark-class",
                f"org.apache.spark.deploy.{name.lower()}.{name}",
                *arguments,
            ],
            env={**os.environ, "SPARK_HOME": str(home), "SPARK_DAEMON_MEMORY": "256m"},
            stdout=output,
            stderr=output,
            cwd=folder,
            # No thread runs yet; the setting survives the shell script's exec of Java.
            preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509
        )
    try:
        yield log
    finally:
        process.kill()
        process.wait()


def _awaited(log: Path, pattern: str) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if found := re.search(pattern, log.read_text()):
            return found[1]
        time.sleep(0.1)
    raise HarnessError(f"Spark's {log.stem} did not start: {log.read_text()[-1000:]}")
