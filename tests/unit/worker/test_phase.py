"""Energy, clocks and page faults of the sampling phase."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from harness.domain.rank import Rank
from harness.hardware import nvidia_smi
from harness.hardware.cuda import Cuda
from harness.hardware.energy_counters import Rapl
from harness.hardware.local import Local
from harness.timer import HostTimer
from harness.worker import phase
from harness.worker.phase import CountedIteration, Phase

ALONE = Rank(0, 1)


class Joules:
    """A counter that goes up by five joules at each reading."""

    update = 0.0  # any phase is long enough

    def __init__(self) -> None:
        self.total = 0.0

    def read(self) -> Any:
        self.total += 5
        return self.total

    def joules(self, start: Any, end: Any) -> float:
        return float(end - start)


def test_energy_is_recorded_with_the_tokens_it_was_spent_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Local, "energy_counter", lambda *_: Joules())
    with Phase(Local(), ALONE, energy=True) as measured:
        pass
    assert measured.facts(tokens=20) == {"energy": 5.0, "energy_tokens": 20}
    assert measured.notes == {}


@pytest.mark.parametrize(("energy", "rank"), [(False, ALONE), (True, Rank(1, 2))])
def test_no_counter_is_read_without_a_request_or_beside_rank_0(
    monkeypatch: pytest.MonkeyPatch, energy: bool, rank: Rank
) -> None:
    """Rank 0 reads the counters for all ranks."""

    def opened(*_: object) -> Joules:
        raise AssertionError("a counter was opened")

    monkeypatch.setattr(Local, "energy_counter", opened)
    with Phase(Local(), rank, energy=energy) as measured:
        pass
    assert (measured.facts(tokens=20), measured.notes) == ({}, {})


def test_a_note_says_why_energy_could_not_be_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Local, "energy_counter", lambda *_: Rapl([]))
    with Phase(Local(), ALONE, energy=True) as measured:
        pass
    assert "energy" not in measured.facts(tokens=20)
    assert measured.notes["energy_per_token"].startswith("the round was too short")


def test_rank_0_reads_the_clocks_of_all_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """By UUID, from the first rank's GPU on: the driver may number GPUs in another order."""
    read: list[Sequence[str]] = []

    def clocks(gpus: Sequence[str], _: str) -> dict[str, float]:
        read.append(gpus)
        return {}

    def properties(index: int) -> SimpleNamespace:
        return SimpleNamespace(uuid=f"of-{index}")

    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(torch.cuda, "get_device_properties", properties)
    monkeypatch.setattr(nvidia_smi, "clocks", clocks)
    second = Cuda(Cuda.Options(index=1))
    for rank in range(2):
        with Phase(second, Rank(rank, 2), energy=False):
            pass
    assert read == [["GPU-of-1", "GPU-of-2"]] * 2


def test_an_iteration_counts_its_calls() -> None:
    counted = CountedIteration(lambda _: {"latency": 1.0})
    times = [counted(HostTimer()) for _ in range(3)]
    assert times == [{"latency": 1.0}] * 3
    assert counted.calls == 3


def test_ranks_start_each_iteration_together() -> None:
    """A fast rank must not run ahead."""
    calls: list[str] = []

    def iteration(_: object) -> dict[str, float]:
        calls.append("work")
        return {"latency": 1.0}

    counted = CountedIteration(iteration, lambda: calls.append("barrier"))
    for _ in range(2):
        counted(HostTimer())
    assert calls == ["barrier", "work"] * 2


def test_page_faults_are_counted_once_memory_is_warm(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of eight iterations fill the heap: only the later half counts."""
    totals = iter([0, 9000, 14000, 14900, 15000, 15003, 15005, 15009, 15012])
    usage = SimpleNamespace(
        RUSAGE_SELF=0, getrusage=lambda _: SimpleNamespace(ru_minflt=next(totals))
    )
    monkeypatch.setattr(phase, "resource", usage)
    iteration = CountedIteration(lambda _: {})
    for _ in range(9):
        iteration(HostTimer())
    assert iteration.calls == 9
    assert iteration.page_faults() == 3


def test_a_single_iteration_has_no_page_faults() -> None:
    iteration = CountedIteration(lambda _: {})
    iteration(HostTimer())
    assert iteration.page_faults() == 0
