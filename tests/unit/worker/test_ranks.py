"""Joining the reports of several ranks, and naming the rank that failed."""

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
from harness.worker.ranks import _collect, cause, is_echo, join, report_of_ranks, where_ranks_stand

MEMORY = {"load_memory": 100.0, "peak_memory": 200.0}


def ok(*seconds: float, **facts: float) -> Report:
    """The report of a rank that succeeded, with a sample for each of these seconds."""
    samples = tuple(Sample("latency", second) for second in seconds)
    return Report(Status.OK, samples=samples, facts={**MEMORY, **facts})


def test_a_sample_lasts_as_long_as_on_the_slowest_rank() -> None:
    """A step ends when all ranks have finished it."""
    joined = join([ok(1.0, 5.0), ok(2.0, 4.0)])
    assert [sample.seconds for sample in joined.samples] == [2.0, 5.0]


def test_memory_is_summed_and_other_facts_are_rank_zeros() -> None:
    """Both processes hold their memory at once; the model is the same in each."""
    joined = join([ok(1.0, parameters=10.0), ok(1.0, parameters=10.0)])
    facts = {"load_memory": 200.0, "peak_memory": 400.0, "parameters": 10.0, "load_imbalance": 0.0}
    assert joined.facts == facts


def test_facts_about_a_rank_are_those_of_the_fullest() -> None:
    joined = join([ok(1.0, rank_optimizer=3.0), ok(1.0, rank_optimizer=5.0)])
    assert joined.facts["rank_optimizer"] == 5.0


def test_load_imbalance_is_the_share_of_time_that_ranks_wait() -> None:
    """One of two ranks waits for two of three seconds. Warm-up samples do not count."""
    early, late = ok(1.0), ok(3.0)
    warmup = replace(ok(9.0), samples=(Sample("latency", 9.0, warmup=True),))
    assert join([early, late]).facts["load_imbalance"] == pytest.approx(1 / 3)
    assert "load_imbalance" not in join([warmup, warmup]).facts


def test_bytes_of_the_ranks_parts_are_summed_if_all_report_them() -> None:
    """A fact that only rank 0 reports keeps its value."""
    joined = join([ok(1.0, bytes_moved=10.0, state_bytes=1.0), ok(1.0, bytes_moved=12.0)])
    assert joined.facts["bytes_moved"] == 22.0
    assert joined.facts["state_bytes"] == 1.0


def test_notes_are_rank_zeros() -> None:
    first = replace(ok(1.0), notes={"energy_per_token": "no counter"})
    assert join([first, ok(1.0)]).notes == {"energy_per_token": "no counter"}


def test_a_failed_ranks_report_counts_for_all_and_names_the_rank() -> None:
    """With its status, its reason and its traceback."""
    crash = Report(Status.CRASHED, "died by SIGSEGV", "the tail")
    assert join([ok(1.0), crash]) == Report(Status.CRASHED, "rank 1: died by SIGSEGV", "the tail")


def test_one_process_prepares_the_model_that_several_load(make_cell: Callable[..., Cell]) -> None:
    """Two would write the same file at once."""
    split = (Choice("data", (("degree", 2),)),)
    job = Job(make_cell(parallelism=split), 0, 0, Effort(0.1, 1, 1), quality=False)
    assert job.processes == 2
    assert replace(job, prepares=True).processes == 1


class Ended(RankHandles):
    """Ranks that end in this order, one more at every fourth poll."""

    def __init__(self, *order: int) -> None:
        self._order, self._polls = list(order), 0

    def pids(self) -> dict[int, int]:
        return {}

    def ended(self, rank: int) -> int | None:
        self._polls += 1
        ended = self._order[: 1 + self._polls // 4]
        return 0 if rank in ended else None


def collected(folder: Path, order: Sequence[int], **reports: Report) -> list[Report]:
    """The collected reports of three ranks that end in this order; by default they succeed."""
    for rank in range(3):
        file = folder / f"rank-{rank}.json"
        file.write_bytes(reports.get(f"rank_{rank}", ok(1.0)).encode())
    return _collect(Ended(*order), 3, folder)


LOST = Report(Status.FAILED, "RuntimeError: Connection closed by peer [127.0.0.1]:7")
OWN = Report(Status.FAILED, "ValueError: mischief managed")


def test_reports_come_in_the_order_of_ranks(tmp_path: Path) -> None:
    reports = collected(tmp_path, (2, 0, 1), rank_1=ok(3.0))
    assert [report.samples[0].seconds for report in reports] == [1.0, 3.0, 1.0]


def test_a_rank_that_only_lost_its_connection_is_not_blamed(tmp_path: Path) -> None:
    """The culprit may end later than the ranks that lost their connection to it."""
    reports = collected(tmp_path, (0, 2, 1), rank_0=LOST, rank_2=LOST, rank_1=OWN)
    assert [report.reason for report in reports] == ["", OWN.reason, ""]


def test_if_all_ranks_lost_their_connection_the_lowest_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.worker.ranks._ECHO_SECONDS", 0.3)
    reports = collected(tmp_path, (2, 1, 0), rank_0=LOST, rank_1=LOST, rank_2=LOST)
    assert [report.reason for report in reports] == [LOST.reason, "", ""]


def report_of_two(make_cell: Callable[..., Cell]) -> Report:
    """The report of a round of two ranks."""
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
    """A launcher that reaches the time-out, and would report any Exception as its own failure."""

    @contextmanager
    def started(self, world: int, main: RankMain, folder: Path) -> Iterator[RankHandles]:
        try:
            os.kill(os.getpid(), ASK)
        except Exception as error:
            raise OSError("no answer") from error
        yield ForkedRanks([])


def test_a_launcher_that_has_not_started_its_ranks_times_out(
    make_cell: Callable[..., Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.worker.ranks.launcher_of", lambda _: Slow())
    report = report_of_two(make_cell)
    assert report == Report(Status.TIMED_OUT, "torch has not started its ranks")


def test_a_gpu_that_ranks_cannot_use_is_unsupported(
    make_cell: Callable[..., Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reported before NCCL's first call fails."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    report = report_of_two(partial(make_cell, hardware=Choice("cuda")))
    assert report.status is Status.UNSUPPORTED
    assert re.match("rank [01]: the driver shows a GPU, but torch", report.reason)


def test_a_launcher_that_cannot_start_is_a_failed_result(
    make_cell: Callable[..., Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.worker.ranks.launcher_of", lambda _: Unable())
    report = report_of_two(make_cell)
    assert (report.status, report.reason) == (Status.FAILED, "torch: OSError: no more processes")


class Lonely(Torch):
    """A launcher whose ranks cannot find each other."""

    def enter(self) -> None:
        raise ConnectionError("nobody answers")


def test_ranks_that_cannot_meet_report_why(
    make_cell: Callable[..., Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.worker.ranks.launcher_of", lambda _: Lonely())
    report = report_of_two(make_cell)
    assert report.status is Status.FAILED
    assert re.fullmatch("rank [01]: ConnectionError: nobody answers", report.reason)
    assert "in enter" in report.detail


WAITING = """Current thread 0x1 (most recent call first):
  File "/lib/torch/distributed/distributed_c10d.py", line 3 in wait
  File "/home/harness/worker/round.py", line 9 in step
"""
NAPPING = """Current thread 0x1 (most recent call first):
  File "/home/mine.py", line 7 in nap
  File "/lib/torch/distributed/distributed_c10d.py", line 3 in wait
"""


def test_the_rank_that_does_not_wait_holds_up_the_others() -> None:
    assert where_ranks_stand([WAITING, NAPPING]) == "rank 1 is at /home/mine.py:7 (nap)"
    assert where_ranks_stand([WAITING, WAITING]) == "all ranks wait for each other"
    assert where_ranks_stand([WAITING, ""]) == "rank 1 does not answer"
    assert where_ranks_stand([WAITING, None]) == "rank 1 has not started"


def test_an_error_from_java_is_reported_by_its_root_cause() -> None:
    error = "An error occurred while calling o1.\n: Lost it: no master\n\tat x\nCaused by: refused"
    assert cause(error) == "refused"
    assert cause(error.rpartition("\n")[0]) == "Lost it: no master"
    assert cause("plain\nand more") == "plain"
    assert cause("") == ""


def test_a_lost_connection_is_another_ranks_fault() -> None:
    lost = "RuntimeError: [pair.cc:456] Connection closed by peer [127.0.0.1]:7"
    assert is_echo(Report(Status.FAILED, lost))
    assert is_echo(Report(Status.FAILED, "HorovodInternalError: Horovod has been shut down."))
    nccl = "DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:3690, remote process exited or"
    assert is_echo(Report(Status.FAILED, f"{nccl} there was a network error, NCCL version 2.27.7"))
    assert not is_echo(Report(Status.FAILED, "ValueError: mischief managed"))
