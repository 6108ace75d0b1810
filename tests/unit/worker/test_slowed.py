"""A control is slowed by a known share, inside the clock."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from harness.session import Session
from harness.worker import slowed
from harness.worker.slowed import slow_down


class Clock:
    """A clock that steps only move, and that busy waiting moves by a millisecond a look."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        self.now += 0.001
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(slowed, "time", SimpleNamespace(perf_counter=made.perf_counter))
    return made


def session(clock: Clock, seconds: float) -> Any:
    """Each prefill takes that long; decoding is a prefill, as in the harness's own session."""

    def step(*_: object) -> str:
        clock.now += seconds
        return "logits"

    made = SimpleNamespace(device=torch.device("cpu"), prefill=step)

    def decode(*given: object) -> Any:
        return made.prefill(*given)

    made.decode = decode
    made.training_step = lambda *_: step
    return made


def spent(clock: Clock, work: Any) -> float:
    before = clock.now
    assert work() == "logits"
    return clock.now - before


def test_each_kind_of_step_takes_that_share_longer(clock: Clock) -> None:
    made = session(clock, 10.0)
    slow_down(cast("Session", made), 0.1)
    for work in (made.prefill, made.decode, made.training_step("tokens")):
        assert spent(clock, work) == pytest.approx(11.0, abs=0.02)


def test_the_wait_is_busy_and_real() -> None:
    """Without a made-up clock: at least the share passes."""

    def step() -> str:
        time.sleep(0.01)
        return "logits"

    made: Any = SimpleNamespace(
        device=torch.device("cpu"), prefill=step, decode=step, training_step=lambda: step
    )
    slow_down(cast("Session", made), 1.0)
    start = time.perf_counter()
    processor = time.process_time()
    made.prefill()
    assert time.perf_counter() - start >= 0.02
    assert time.process_time() > processor
