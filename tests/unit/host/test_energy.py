"""Energy as counters tell it; without one, why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from harness.domain.run import Gpu, Host
from harness.errors import Unsupported
from harness.host import energy
from harness.host.energy import Meter, energy_support


@dataclass
class FakeCounter:
    """Ten watts, by a clock that the test turns."""

    now: Callable[[], float]
    update: float = 0.001

    def read(self) -> float:
        return self.now() * 10

    def joules(self, start: Any, end: Any) -> float:
        return float(end - start)


@dataclass
class Hands:
    """A clock that stands until it is turned."""

    at: float = 100.0

    def __call__(self) -> float:
        return self.at


def metered(seconds: float, update: float = 0.001) -> Meter:
    """A meter around so many seconds."""
    now = Hands()
    meter = Meter(lambda: FakeCounter(now, update), now)
    with meter:
        now.at += seconds
    return meter


def test_a_phase_takes_what_the_counter_went_up() -> None:
    meter = metered(2.0)
    assert meter.joules == pytest.approx(20)
    assert meter.why_not == ""


def test_a_phase_of_few_updates_is_told_to_be_too_short() -> None:
    """A counter updated ten times a second says little of two seconds."""
    meter = metered(2.0, update=0.1)
    assert meter.joules is None
    assert meter.why_not == (
        "the round was too short: it sampled for 2 s, and the counter needs 5 s "
        "(raise measure.round_time)"
    )
    assert metered(5.0, update=0.1).joules == pytest.approx(50)


def test_without_a_counter_the_work_is_done_and_the_reason_kept() -> None:
    def refuse() -> FakeCounter:
        raise Unsupported("not measurable here: no counter")

    done = []
    with Meter(refuse) as meter:
        done.append(1)
    assert done == [1]
    assert (meter.joules, meter.why_not) == (None, "not measurable here: no counter")


def test_a_host_is_told_what_it_can_measure(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """By doctor; a card is asked only when a cell is measured on it."""
    monkeypatch.setattr(energy, "find_spec", lambda _: None)
    assert energy_support(host)["gpu"] == "not measurable here: this host has no CUDA device"
    with_gpu = Host(
        cpu="a CPU",
        architecture="x86_64",
        physical_cores=1,
        logical_cores=1,
        isa=(),
        memory_bytes=1,
        system="Linux",
        gpus=(Gpu("a GPU", 1),),
    )
    assert "nvidia-ml-py" in energy_support(with_gpu)["gpu"]
