"""How a round drives its iteration, with a clock that is made up."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist

from harness.domain.cell import Cell, Choice
from harness.domain.rank import Rank
from harness.domain.result import Status
from harness.errors import HarnessError
from harness.hardware import Hardware
from harness.hardware.local import Local
from harness.timer import Timer
from harness.worker import opening, preparation
from harness.worker import round as worker
from harness.worker.messages import Effort, Job
from harness.worker.phase import Phase
from harness.worker.probe import distance
from harness.worker.round import _drive, report_of


class Ticking:
    """Tells tenths of microseconds."""

    resolution = 1e-7

    def mark(self) -> object:
        return None

    def seconds(self, start: object, end: object) -> float:
        raise NotImplementedError


class Work:
    """An iteration that says how long it took, each `pace` times the last, and counts."""

    def __init__(self, seconds: float, pace: float = 1.0) -> None:
        self.seconds, self.pace, self.calls = seconds, pace, 0

    def __call__(self, timer: Timer) -> Mapping[str, float]:
        seconds = self.seconds * self.pace**self.calls
        self.calls += 1
        return {"latency": seconds, "ttft": seconds / 2}


def test_short_iterations_are_timed_several_at_once() -> None:
    """Of 10 µs each, 16 make a sample of more than 100 µs; the first two are taken singly."""
    work = Work(1e-5)
    driven = _drive(work, Ticking(), Effort(seconds=0, samples=5, max_samples=50), bool)
    assert driven.facts["repeats"] == 16
    samples = [one for one in driven.samples if one.section == "latency"]
    assert work.calls == 2 + 16 * (len(samples) - 2)
    assert [one.seconds for one in samples] == pytest.approx([1e-5] * len(samples))


def test_long_iterations_are_a_sample_each() -> None:
    work = Work(1e-3)
    driven = _drive(work, Ticking(), Effort(seconds=0, samples=5, max_samples=50), bool)
    assert driven.facts["repeats"] == 1
    assert work.calls == len(driven.samples) / 2 == 6  # the first is warm-up


def test_an_iteration_that_no_clock_sees_comes_to_an_end() -> None:
    driven = _drive(Work(0.0), Ticking(), Effort(seconds=0, samples=2, max_samples=3), bool)
    assert len(driven.samples) == 2 * 3


@pytest.mark.parametrize(("pace", "settled"), [(1.0, True), (1.05, False)])
def test_a_round_tells_whether_it_settled(pace: float, settled: bool) -> None:
    """One that slows down by 5% each time never does."""
    driven = _drive(Work(1e-3, pace), Ticking(), Effort(0, samples=20, max_samples=50), bool)
    assert driven.facts["settled"] == settled
    warm = [one for one in driven.samples if one.warmup and one.section == "latency"]
    assert driven.facts["warmup"] == len(warm)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_logits_that_are_no_numbers_are_a_failure(bad: float) -> None:
    """A model that computes nonsense has no speed worth showing."""
    with pytest.raises(HarnessError, match="not finite"):
        distance(torch.tensor([1.0, bad]), torch.ones(2))


def test_the_distance_of_logits_is_in_parts_of_the_expected_ones() -> None:
    assert distance(torch.tensor([3.0, 5.0]), torch.tensor([3.0, 4.0])) == pytest.approx(0.2)


class Wordless(Exception):
    """An exception that cannot be printed."""

    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("no"), "ValueError: no"),
        (ValueError("no\nand more"), "ValueError: no"),
        (ValueError(), "ValueError"),
        (SystemExit(3), "SystemExit: 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (Wordless(), "Wordless: (its message cannot be read: str() raises RuntimeError)"),
    ],
)
def test_whatever_a_round_raises_is_its_result(
    make_cell: Callable[..., Cell],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    reason: str,
) -> None:
    """SystemExit too: the process would end with a number that says nothing."""

    def raising(*_: object) -> None:
        raise error

    monkeypatch.setattr(worker, "_measure", raising)
    report = report_of(Job(make_cell(), 0, 0, Effort(0, 1, 3), quality=False))
    assert (report.status, report.reason) == (Status.FAILED, reason)
    assert type(error).__name__ in report.detail


@pytest.fixture
def prepared(make_cell: Callable[..., Cell], tmp_path: Path) -> Iterator[Job]:
    """A round of a model whose file is there."""
    options = (("context", 32), ("d_model", 32), ("heads", 2), ("layers", 1), ("vocab", 64))
    cell = make_cell(model=Choice("decoder", options), compression=(Choice("int8-dynamic"),))
    job = Job(
        cell,
        0,
        0,
        Effort(0, 1, 3),
        quality=False,
        artifact="f00",
        files={"f00": str(tmp_path / "model")},
    )
    threads = torch.get_num_threads()
    assert report_of(replace(job, prepares=True)).status is Status.OK
    yield job
    torch.set_num_threads(threads)


@pytest.mark.parametrize(("cold", "told"), [(False, "load_time"), (True, "cold_load_time")])
def test_a_round_loads_what_was_prepared(
    prepared: Job, monkeypatch: pytest.MonkeyPatch, cold: bool, told: str
) -> None:
    """From memory, or every other time from the disk; never both."""
    dropped: list[Path] = []
    monkeypatch.setattr(opening, "drop_pages", dropped.append)
    report = report_of(replace(prepared, cold=cold))
    assert report.status is Status.OK, report.detail
    assert {"load_time", "cold_load_time"} & report.facts.keys() == {told}
    assert dropped == ([prepared.model_file] if cold else [])


def test_a_round_refuses_a_file_that_was_tampered_with(prepared: Job) -> None:
    """One bit of a weight: nothing else would ever show it."""
    file = prepared.model_file
    content = bytearray(file.read_bytes())
    content[-9] ^= 1
    file.write_bytes(content)
    report = report_of(prepared)
    assert report.status is Status.FAILED
    assert "was changed since it was written" in report.reason


def test_weights_that_have_diverged_are_a_failure(
    prepared: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ordinary checkpoint of NaN is told when it is judged, and no figure of it leaves."""
    usual = preparation.dense_model

    def diverged(*given: Any, **named: Any) -> Any:
        model = usual(*given, **named)
        next(model.parameters()).data.fill_(math.nan)
        return model

    monkeypatch.setattr(preparation, "dense_model", diverged)
    dense = prepared.cell.replace(compression=())
    report = report_of(replace(prepared, cell=dense, prepares=True, quality=True))
    assert report.status is Status.FAILED
    assert report.reason.endswith("the model's logits are not finite numbers")
    assert report.facts == {}


def test_a_model_in_half_precision_has_the_weights_of_the_full_one_rounded(
    prepared: Job,
) -> None:
    """So that the rounds in bf16 can be held against the dense fp32 model of the same seed."""
    full, half = (
        preparation.dense_model(prepared, torch.device("cpu"), dtype)
        for dtype in (torch.float32, torch.bfloat16)
    )
    for ours, theirs in zip(half.parameters(), full.parameters(), strict=True):
        assert torch.equal(ours, theirs.bfloat16())


def test_a_rank_takes_its_own_device_and_meets_the_others(
    prepared: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before each iteration; each phase knows its rank, as only rank 0 reads counters."""
    asked: list[tuple[int, int]] = []
    phases: list[Rank] = []
    met: list[None] = []
    usual = Local.prepare

    def prepare(entry: Local, ranks: int, rank: int = 0) -> torch.device:
        asked.append((ranks, rank))
        return usual(entry, ranks, rank)

    class Seen(Phase):
        def __init__(self, hardware: Hardware, rank: Rank, *, energy: bool) -> None:
            phases.append(rank)
            super().__init__(hardware, rank, energy=energy)

    monkeypatch.setattr(Local, "prepare", prepare)
    monkeypatch.setattr(worker, "Phase", Seen)
    monkeypatch.setattr(dist, "barrier", lambda: met.append(None))
    for index in range(2):
        report = report_of(prepared, Rank(index, 2))
        assert report.status is Status.OK, report.detail
    assert asked == [(2, 0), (2, 1)]
    assert phases == [Rank(0, 2), Rank(1, 2)]
    assert len(met) >= 2 * 3  # warm-up, a sample, and a look inside
