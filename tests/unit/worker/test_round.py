"""How a round samples its iteration, with a fake timer, and what its report holds."""

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
from harness.worker.probe import relative_error
from harness.worker.round import _sample, report_of


class FakeTimer:
    """A timer with a resolution of 0.1 µs."""

    resolution = 1e-7

    def mark(self) -> object:
        return None

    def seconds(self, start: object, end: object) -> float:
        raise NotImplementedError


class Work:
    """An iteration that counts its calls; each takes `pace` times as long as the one before."""

    def __init__(self, seconds: float, pace: float = 1.0) -> None:
        self.seconds, self.pace, self.calls = seconds, pace, 0

    def __call__(self, timer: Timer) -> Mapping[str, float]:
        seconds = self.seconds * self.pace**self.calls
        self.calls += 1
        return {"latency": seconds, "ttft": seconds / 2}


def test_a_sample_is_the_mean_of_several_short_iterations() -> None:
    """16 iterations of 10 µs last more than 100 µs. The first two samples are one iteration."""
    work = Work(1e-5)
    sampled = _sample(work, FakeTimer(), Effort(seconds=0, samples=5, max_samples=50), bool)
    assert sampled.facts["repeats"] == 16
    samples = [sample for sample in sampled.samples if sample.section == "latency"]
    assert work.calls == 2 + 16 * (len(samples) - 2)
    assert [sample.seconds for sample in samples] == pytest.approx([1e-5] * len(samples))


def test_long_iterations_are_a_sample_each() -> None:
    work = Work(1e-3)
    sampled = _sample(work, FakeTimer(), Effort(seconds=0, samples=5, max_samples=50), bool)
    assert sampled.facts["repeats"] == 1
    assert work.calls == len(sampled.samples) / 2 == 6  # the first is warm-up


def test_an_iteration_that_the_timer_reads_as_zero_still_ends() -> None:
    sampled = _sample(Work(0.0), FakeTimer(), Effort(seconds=0, samples=2, max_samples=3), bool)
    assert len(sampled.samples) == 2 * 3


@pytest.mark.parametrize(("pace", "settled"), [(1.0, True), (1.05, False)])
def test_a_round_records_whether_it_settled(pace: float, settled: bool) -> None:
    """A round that slows down by 5% at each iteration never settles."""
    sampled = _sample(Work(1e-3, pace), FakeTimer(), Effort(0, samples=20, max_samples=50), bool)
    assert sampled.facts["settled"] == settled
    warmup = [one for one in sampled.samples if one.warmup and one.section == "latency"]
    assert sampled.facts["warmup"] == len(warmup)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_logits_that_are_not_finite_are_a_failure(bad: float) -> None:
    """The speed of a model that computes nonsense means nothing."""
    with pytest.raises(HarnessError, match="not finite"):
        relative_error(torch.tensor([1.0, bad]), torch.ones(2))


def test_the_error_of_logits_is_relative_to_the_expected_norm() -> None:
    assert relative_error(torch.tensor([3.0, 5.0]), torch.tensor([3.0, 4.0])) == pytest.approx(0.2)


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
def test_any_exception_becomes_the_rounds_result(
    make_cell: Callable[..., Cell],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    reason: str,
) -> None:
    """SystemExit too: the process would end with a bare exit code."""

    def raising(*_: object) -> None:
        raise error

    monkeypatch.setattr(worker, "_measure", raising)
    report = report_of(Job(make_cell(), 0, 0, Effort(0, 1, 3), quality=False))
    assert (report.status, report.reason) == (Status.FAILED, reason)
    assert type(error).__name__ in report.detail


@pytest.fixture
def prepared(make_cell: Callable[..., Cell], tmp_path: Path) -> Iterator[Job]:
    """A round whose model has been prepared."""
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


@pytest.mark.parametrize(("cold", "fact"), [(False, "load_time"), (True, "cold_load_time")])
def test_a_round_loads_the_prepared_model(
    prepared: Job, monkeypatch: pytest.MonkeyPatch, cold: bool, fact: str
) -> None:
    """Either from memory or, in a cold round, from the disk."""
    dropped: list[Path] = []
    monkeypatch.setattr(opening, "drop_pages", dropped.append)
    report = report_of(replace(prepared, cold=cold))
    assert report.status is Status.OK, report.detail
    assert {"load_time", "cold_load_time"} & report.facts.keys() == {fact}
    assert dropped == ([prepared.model_file] if cold else [])


def test_a_round_refuses_a_file_that_was_tampered_with(prepared: Job) -> None:
    """Nothing else would show that a single bit of a weight has changed."""
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
    """A checkpoint with NaN fails when its quality is measured, and gives no figures."""
    dense_model = preparation.dense_model

    def diverged(*given: Any, **named: Any) -> Any:
        model = dense_model(*given, **named)
        next(model.parameters()).data.fill_(math.nan)
        return model

    monkeypatch.setattr(preparation, "dense_model", diverged)
    dense = prepared.cell.replace(compression=())
    report = report_of(replace(prepared, cell=dense, prepares=True, quality=True))
    assert report.status is Status.FAILED
    assert report.reason.endswith("the model's logits are not finite numbers")
    assert report.facts == {}


def test_a_bf16_model_has_the_rounded_weights_of_the_fp32_model(prepared: Job) -> None:
    """So bf16 rounds can be compared with the dense fp32 model of the same seed."""
    full, half = (
        preparation.dense_model(prepared, torch.device("cpu"), dtype)
        for dtype in (torch.float32, torch.bfloat16)
    )
    for ours, theirs in zip(half.parameters(), full.parameters(), strict=True):
        assert torch.equal(ours, theirs.bfloat16())


def test_a_rank_takes_its_own_device_and_waits_for_the_others(
    prepared: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits before each iteration. Each phase knows its rank: only rank 0 reads counters."""
    devices: list[tuple[int, int]] = []
    phases: list[Rank] = []
    barriers: list[None] = []
    local_prepare = Local.prepare

    def prepare(entry: Local, ranks: int, rank: int = 0) -> torch.device:
        devices.append((ranks, rank))
        return local_prepare(entry, ranks, rank)

    class RecordedPhase(Phase):
        def __init__(self, hardware: Hardware, rank: Rank, *, energy: bool) -> None:
            phases.append(rank)
            super().__init__(hardware, rank, energy=energy)

    monkeypatch.setattr(Local, "prepare", prepare)
    monkeypatch.setattr(worker, "Phase", RecordedPhase)
    monkeypatch.setattr(dist, "barrier", lambda: barriers.append(None))
    for index in range(2):
        report = report_of(prepared, Rank(index, 2))
        assert report.status is Status.OK, report.detail
    assert devices == [(2, 0), (2, 1)]
    assert phases == [Rank(0, 2), Rank(1, 2)]
    assert len(barriers) >= 2 * 3  # warm-up, a sample, and the inspected iteration
