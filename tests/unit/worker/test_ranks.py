"""How the reports of several ranks become one."""

import os
import re
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from harness.domain.cell import Cell, Choice
from harness.domain.result import Sample, Status
from harness.launchers import ForkedRanks, RankHandles, RankMain
from harness.launchers.torch import Torch
from harness.process import ASK
from harness.worker.messages import Effort, Job, Report
from harness.worker.ranks import _collect, cause, is_echo, join, report_of_ranks, where_they_stand

MEMORY = {"load_memory": 100.0, "peak_memory": 200.0}


def ok(*seconds: float, **facts: float) -> Report:
    """A rank that ended well."""
    samples = tuple(Sample("latency", second) for second in seconds)
    return Report(Status.OK, samples=samples, facts={**MEMORY, **facts})


def test_a_sample_lasts_as_long_as_on_the_slowest_rank() -> None:
    """The step is not over before."""
    joined = join([ok(1.0, 5.0), ok(2.0, 4.0)])
    assert [sample.seconds for sample in joined.samples] == [2.0, 5.0]


def test_memory_is_summed_and_other_facts_are_rank_zeros() -> None:
    """Both processes hold their memory at once; the model is the same in each."""
    joined = join([ok(1.0, parameters=10.0), ok(1.0, parameters=10.0)])
    told = {"load_memory": 200.0, "peak_memory": 400.0, "parameters": 10.0, "load_imbalance": 0.0}
    assert joined.facts == told


def test_what_the_fullest_rank_holds_is_told() -> None:
    joined = join([ok(1.0, rank_optimizer=3.0), ok(1.0, rank_optimizer=5.0)])
    assert joined.facts["rank_optimizer"] == 5.0


def test_ranks_that_are_ready_before_the_slowest_lose_time() -> None:
    """Two of three seconds waited for, by one of two ranks; warm-up told of nothing."""
    early, late = ok(1.0), ok(3.0)
    warm = replace(ok(9.0), samples=(Sample("latency", 9.0, warmup=True),))
    assert join([early, late]).facts["load_imbalance"] == pytest.approx(1 / 3)
    assert "load_imbalance" not in join([warm, warm]).facts


def test_bytes_of_each_ranks_part_are_summed_where_all_tell_them() -> None:
    """In training no rank has a decode state."""
    joined = join([ok(1.0, bytes_moved=10.0, state_bytes=1.0), ok(1.0, bytes_moved=12.0)])
    assert joined.facts["bytes_moved"] == 22.0
    assert joined.facts["state_bytes"] == 1.0


def test_notes_are_rank_zeros() -> None:
    first = replace(ok(1.0), notes={"energy_per_token": "no counter"})
    assert join([first, ok(1.0)]).notes == {"energy_per_token": "no counter"}


def test_a_rank_that_failed_speaks_for_all_by_its_number() -> None:
    """Its status, its reason, its traceback."""
    crash = Report(Status.CRASHED, "died by SIGSEGV", "the tail")
    assert join([ok(1.0), crash]) == Report(Status.CRASHED, "rank 1: died by SIGSEGV", "the tail")


def test_one_process_prepares_what_several_load(make_cell: Callable[..., Cell]) -> None:
    """Two would write one file at once."""
    split = (Choice("data", (("degree", 2),)),)
    job = Job(make_cell(parallelism=split), 0, 0, Effort(0.1, 1, 1), quality=False)
    assert job.processes == 2
    assert replace(job, prepares=True).processes == 1


class Ended(RankHandles):
    """Ranks that end one after another, each a look later than the one before."""

    def __init__(self, *order: int) -> None:
        self._order, self._looks = list(order), 0

    def pids(self) -> dict[int, int]:
        return {}

    def ended(self, rank: int) -> int | None:
        self._looks += 1
        there = self._order[: 1 + self._looks // 4]
        return 0 if rank in there else None


def collected(folder: Path, order: Sequence[int], **reports: Report) -> list[Report]:
    """Of three ranks that end in that order; those that are not given end well."""
    for rank in range(3):
        file = folder / f"rank-{rank}.json"
        file.write_bytes(reports.get(f"rank_{rank}", ok(1.0)).encode())
    return _collect(Ended(*order), 3, folder)


LOST = Report(Status.FAILED, "RuntimeError: Connection closed by peer [127.0.0.1]:7")
OWN = Report(Status.FAILED, "ValueError: mischief managed")


def test_all_reports_come_in_the_order_of_ranks(tmp_path: Path) -> None:
    told = collected(tmp_path, (2, 0, 1), rank_1=ok(3.0))
    assert [one.samples[0].seconds for one in told] == [1.0, 3.0, 1.0]


def test_who_lost_only_its_connection_does_not_speak(tmp_path: Path) -> None:
    """The one that caused it ends later; those that were ended for it tell nothing."""
    told = collected(tmp_path, (0, 2, 1), rank_0=LOST, rank_2=LOST, rank_1=OWN)
    assert [one.reason for one in told] == ["", OWN.reason, ""]


def test_where_all_lost_their_connection_the_first_speaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.worker.ranks._ECHO_SECONDS", 0.3)
    told = collected(tmp_path, (2, 1, 0), rank_0=LOST, rank_1=LOST, rank_2=LOST)
    assert [one.reason for one in told] == [LOST.reason, "", ""]


def of_two(make_cell: Callable[..., Cell]) -> Report:
    """What becomes of a round of two ranks."""
    usual = signal.getsignal(ASK)
    try:
        return report_of_ranks(Job(make_cell(), 0, 0, Effort(0.1, 1, 1), quality=False), 2)
    finally:
        signal.signal(ASK, usual)


class Unable(Torch):
    """A launcher that cannot start."""

    @contextmanager
    def started(self, world: int, main: RankMain, folder: Path) -> Iterator[RankHandles]:
        if world:
            raise OSError("no more processes")
        yield ForkedRanks([])


class Slow(Torch):
    """A launcher that is asked to stop while it waits, and takes that for a failure of its own."""

    @contextmanager
    def started(self, world: int, main: RankMain, folder: Path) -> Iterator[RankHandles]:
        try:
            os.kill(os.getpid(), ASK)
        except Exception as error:
            raise OSError("no answer") from error
        yield ForkedRanks([])


def test_a_launcher_that_does_not_come_to_starting_is_told(
    make_cell: Callable[..., Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.worker.ranks.launcher_of", lambda _: Slow())
    report = of_two(make_cell)
    assert report == Report(Status.TIMED_OUT, "torch has not started its ranks")


def test_a_gpu_that_ranks_cannot_use_is_told_as_unsupported(
    make_cell: Callable[..., Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not as the first call of NCCL's that fails."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    report = of_two(partial(make_cell, hardware=Choice("cuda")))
    assert report.status is Status.UNSUPPORTED
    assert re.match("rank [01]: the driver shows a GPU, but torch", report.reason)


def test_a_launcher_that_cannot_start_is_a_result(
    make_cell: Callable[..., Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.worker.ranks.launcher_of", lambda _: Unable())
    report = of_two(make_cell)
    assert (report.status, report.reason) == (Status.FAILED, "torch: OSError: no more processes")


class Lonely(Torch):
    """A launcher whose ranks do not find each other."""

    def enter(self) -> None:
        raise ConnectionError("nobody answers")


def test_ranks_that_do_not_meet_say_why(
    make_cell: Callable[..., Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.worker.ranks.launcher_of", lambda _: Lonely())
    report = of_two(make_cell)
    assert report.status is Status.FAILED
    assert re.fullmatch("rank [01]: ConnectionError: nobody answers", report.reason)
    assert "in enter" in report.detail


WAITS = """Current thread 0x1 (most recent call first):
  File "/lib/torch/distributed/distributed_c10d.py", line 3 in wait
  File "/home/harness/worker/round.py", line 9 in step
"""
STANDS = """Current thread 0x1 (most recent call first):
  File "/home/mine.py", line 7 in nap
  File "/lib/torch/distributed/distributed_c10d.py", line 3 in wait
"""


def test_who_does_not_wait_is_waited_for() -> None:
    assert where_they_stand([WAITS, STANDS]) == "rank 1 stands in /home/mine.py:7 (nap)"
    assert where_they_stand([WAITS, WAITS]) == "all ranks wait for each other"
    assert where_they_stand([WAITS, ""]) == "rank 1 does not answer"
    assert where_they_stand([WAITS, None]) == "rank 1 has not started"


def test_an_error_from_java_is_told_by_its_cause() -> None:
    told = "An error occurred while calling o1.\n: Lost it: no master\n\tat x\nCaused by: refused"
    assert cause(told) == "refused"
    assert cause(told.rpartition("\n")[0]) == "Lost it: no master"
    assert cause("plain\nand more") == "plain"
    assert cause("") == ""


def test_a_lost_connection_is_another_ranks_doing() -> None:
    lost = "RuntimeError: [pair.cc:456] Connection closed by peer [127.0.0.1]:7"
    assert is_echo(Report(Status.FAILED, lost))
    assert is_echo(Report(Status.FAILED, "HorovodInternalError: Horovod has been shut down."))
    nccl = "DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:3690, remote process exited or"
    assert is_echo(Report(Status.FAILED, f"{nccl} there was a network error, NCCL version 2.27.7"))
    assert not is_echo(Report(Status.FAILED, "ValueError: mischief managed"))
