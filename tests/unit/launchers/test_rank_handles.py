"""How the end of a rank is learnt."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.errors import HarnessError
from harness.launchers import ForkedRanks, RankHandles
from harness.launchers.spark import _end_file, _keep, _pid_file, _reach, _SparkRanks, _write
from harness.launchers.spark_daemon import reap_children
from harness.launchers.torch import Torch
from harness.process import forked


def end(handles: RankHandles, rank: int) -> int:
    """Its wait status, once it has one."""
    deadline = time.monotonic() + 30
    while (told := handles.ended(rank)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return told


def test_children_tell_how_they_ended(tmp_path: Path) -> None:
    """Each its own end, whoever was first; and once more when asked again."""

    def main(rank: int) -> None:
        if rank:
            os.kill(os.getpid(), signal.SIGKILL)

    with Torch().started(2, main, tmp_path) as handles:
        assert isinstance(handles, ForkedRanks)
        assert set(handles.pids()) == {0, 1}
        assert os.waitstatus_to_exitcode(end(handles, 1)) == -signal.SIGKILL
        assert os.waitstatus_to_exitcode(end(handles, 0)) == 0
        assert end(handles, 0) == 0


class Job:
    """A Spark job, as far as its ranks' ends go."""

    def __init__(self, *, alive: bool, error: Exception | None = None) -> None:
        self.alive, self.error = alive, error

    def is_alive(self) -> bool:
        return self.alive


def spark_ranks(job: Any, folder: Path) -> _SparkRanks:
    return _SparkRanks(job, folder)


def test_what_a_sparks_keeper_wrote_is_the_ranks_end(tmp_path: Path) -> None:
    handles = spark_ranks(Job(alive=True), tmp_path)
    assert handles.pids() == {}
    assert handles.ended(0) is None
    _write(_pid_file(tmp_path, 0), 77)
    _write(_end_file(tmp_path, 0), 9)
    assert handles.pids() == {0: 77}
    assert handles.ended(0) == 9


def test_a_job_that_ends_without_its_ranks_tells_why(tmp_path: Path) -> None:
    lost = ValueError("no such master")
    with pytest.raises(ValueError, match="no such master"):
        spark_ranks(Job(alive=False, error=lost), tmp_path).ended(0)
    with pytest.raises(HarnessError, match="ended without rank 1"):
        spark_ranks(Job(alive=False), tmp_path).ended(1)


def test_a_job_may_end_once_its_ranks_have(tmp_path: Path) -> None:
    _write(_end_file(tmp_path, 1), 0)
    assert spark_ranks(Job(alive=False), tmp_path).ended(1) == 0


def test_sparks_daemon_waits_for_all_that_have_ended() -> None:
    """One signal may tell of several; their processor time becomes the daemon's."""

    def daemon() -> None:
        children = [forked(lambda: None) for _ in range(2)]
        for child in children:
            os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        reap_children()
        assert not any(psutil.pid_exists(child) for child in children)

    _, wait_status = os.waitpid(forked(daemon), 0)
    assert wait_status == 0


def test_a_master_is_looked_for_before_spark_tries_for_a_minute() -> None:
    """One of several is enough; others than standalone ones are Spark's to find."""
    _reach("local[2]")
    _reach("standalone")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        _reach(f"spark://127.0.0.1:1,127.0.0.1:{port}")
    with pytest.raises(HarnessError, match=r"at 127\.0\.0\.1:1: Connection refused"):
        _reach("spark://127.0.0.1:1")


@pytest.mark.parametrize("visible", [None, "2,3"])
def test_what_spark_hides_of_gpus_its_ranks_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, visible: str | None
) -> None:
    """It empties the variable in each of its tasks, as it has given out none itself."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("RANK", "0")

    def main(rank: int) -> None:
        seen = os.environ.get("CUDA_VISIBLE_DEVICES", "all")
        (tmp_path / f"seen-{rank}").write_text(seen)

    _keep(main, tmp_path, socket.gethostname(), visible)
    assert (tmp_path / "seen-0").read_text() == (visible or "all")
    assert spark_ranks(Job(alive=False), tmp_path).ended(0) == 0
