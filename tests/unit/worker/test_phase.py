"""What is read around the samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from harness.worker.phase import Counted, Phase

ALONE = Rank(0, 1)


class Joules:
    """Goes up by five joules a reading."""

    update = 0.0  # any phase is long enough

    def __init__(self) -> None:
        self.at = 0.0

    def read(self) -> Any:
        self.at += 5
        return self.at

    def joules(self, start: Any, end: Any) -> float:
        return float(end - start)


def test_energy_is_told_with_the_tokens_it_was_spent_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Local, "energy_counter", lambda *_: Joules())
    with Phase(Local(), ALONE, energy=True) as around:
        pass
    assert around.facts(tokens=20) == {"energy": 5.0, "energy_tokens": 20}
    assert around.notes == {}


@pytest.mark.parametrize(("energy", "rank"), [(False, ALONE), (True, Rank(1, 2))])
def test_unless_asked_no_counter_is_read(
    monkeypatch: pytest.MonkeyPatch, energy: bool, rank: Rank
) -> None:
    """And in one of several ranks alone: the package's counter counts them all."""

    def opened(*_: object) -> Joules:
        raise AssertionError("a counter was opened")

    monkeypatch.setattr(Local, "energy_counter", opened)
    with Phase(Local(), rank, energy=energy) as around:
        pass
    assert (around.facts(tokens=20), around.notes) == ({}, {})


def test_what_cannot_be_measured_is_noted_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Local, "energy_counter", lambda *_: Rapl([]))
    with Phase(Local(), ALONE, energy=True) as around:
        pass
    assert "energy" not in around.facts(tokens=20)
    assert around.notes["energy_per_token"].startswith("the round was too short")


def test_one_rank_tells_of_all_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first on: by their UUIDs, as the driver may number them in another order."""
    asked: list[Sequence[str]] = []

    def clocks(gpus: Sequence[str], _: str) -> dict[str, float]:
        asked.append(gpus)
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
    assert asked == [["GPU-of-1", "GPU-of-2"]] * 2


def test_an_iteration_knows_how_often_it_was_done() -> None:
    """However samples are taken from it."""
    counted = Counted(lambda _: {"latency": 1.0})
    told: list[Mapping[str, float]] = [counted(HostTimer()) for _ in range(3)]
    assert told == [{"latency": 1.0}] * 3
    assert counted.times == 3


def test_ranks_meet_before_each_iteration() -> None:
    """One that is done early does not run ahead."""
    told: list[str] = []

    def iteration(_: object) -> dict[str, float]:
        told.append("work")
        return {"latency": 1.0}

    counted = Counted(iteration, lambda: told.append("meet"))
    for _ in range(2):
        counted(HostTimer())
    assert told == ["meet", "work"] * 2


def test_page_faults_are_those_of_an_iteration_once_memory_is_warm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of eight iterations the first ones fill the heap: the later half says what one costs."""
    so_far = iter([0, 9000, 14000, 14900, 15000, 15003, 15005, 15009, 15012])
    usage = SimpleNamespace(
        RUSAGE_SELF=0, getrusage=lambda _: SimpleNamespace(ru_minflt=next(so_far))
    )
    monkeypatch.setattr(phase, "resource", usage)
    iteration = Counted(lambda _: {})
    for _ in range(9):
        iteration(HostTimer())
    assert iteration.times == 9
    assert iteration.page_faults() == 3


def test_one_iteration_tells_nothing_of_page_faults() -> None:
    iteration = Counted(lambda _: {})
    iteration(HostTimer())
    assert iteration.page_faults() == 0
