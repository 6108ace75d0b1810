"""What is read around the samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from harness.host import gpu
from harness.host.energy import Rapl
from harness.timer import HostTimer
from harness.worker import phase
from harness.worker.peak import PeakMemory
from harness.worker.phase import Counted, Phase

CPU = torch.device("cpu")


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
    monkeypatch.setattr(phase, "processor_counter", Joules)
    with Phase(CPU, energy=True, speaks=True) as around:
        pass
    assert around.facts(tokens=20) == {"energy": 5.0, "energy_tokens": 20}
    assert around.notes == {}


@pytest.mark.parametrize(("energy", "speaks"), [(False, True), (True, False)])
def test_unless_asked_no_counter_is_read(
    monkeypatch: pytest.MonkeyPatch, energy: bool, speaks: bool
) -> None:
    """And in one of several ranks alone: the package's counter counts them all."""

    def opened() -> Joules:
        raise AssertionError("a counter was opened")

    monkeypatch.setattr(phase, "processor_counter", opened)
    with Phase(CPU, energy=energy, speaks=speaks) as around:
        pass
    assert (around.facts(tokens=20), around.notes) == ({}, {})


def test_what_cannot_be_measured_is_noted_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def short() -> Rapl:
        return Rapl([])

    monkeypatch.setattr(phase, "processor_counter", short)
    with Phase(CPU, energy=True, speaks=True) as around:
        pass
    assert "energy" not in around.facts(tokens=20)
    assert around.notes["energy_per_token"].startswith("the round was too short")


def test_one_rank_tells_of_all_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """From its own on: by their UUIDs, as indices may be told to it in another order."""
    asked: list[Sequence[str]] = []

    def clocks(gpus: Sequence[str], _: str) -> dict[str, float]:
        asked.append(gpus)
        return {}

    def properties(index: int) -> SimpleNamespace:
        return SimpleNamespace(uuid=f"of-{index}")

    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(torch.cuda, "get_device_properties", properties)
    monkeypatch.setattr(gpu, "clocks", clocks)
    with Phase(torch.device("cuda", 1), 2, energy=False, speaks=True):
        pass
    with Phase(torch.device("cuda", 2), 2, energy=False, speaks=False):
        pass
    assert asked == [["GPU-of-1", "GPU-of-2"]] * 2


def test_an_iteration_knows_how_often_it_was_done() -> None:
    """However samples are taken from it."""
    counted = Counted(lambda _: {"latency": 1.0})
    told: list[Mapping[str, float]] = [counted(HostTimer()) for _ in range(3)]
    assert told == [{"latency": 1.0}] * 3
    assert counted.times == 3


def test_on_a_gpu_tensors_and_the_allocators_holdings_are_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By torch's own counters; on a processor there is no such difference."""
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 100)
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda: 128)
    on_gpu = PeakMemory(torch.device("cuda"))
    assert on_gpu.on_gpu() == {"peak_allocated": 100, "peak_reserved": 128}
    assert PeakMemory(CPU).on_gpu() == {}


def test_on_a_gpu_what_was_freed_before_is_given_back_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A rank builds the whole model before it keeps its part."""
    done: list[str] = []
    for name in ("empty_cache", "reset_peak_memory_stats"):
        monkeypatch.setattr(torch.cuda, name, partial(done.append, name))
    PeakMemory(torch.device("cuda")).restart()
    assert done == ["empty_cache", "reset_peak_memory_stats"]


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
