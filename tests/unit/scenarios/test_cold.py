"""Cold caches: emptied before each time, outside the clock."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from harness.domain.cell import Choice
from harness.model.build import build
from harness.model.sizes import SIZES
from harness.model.transformer import DecodeState, Transformer
from harness.operators.sdpa import Sdpa
from harness.scenarios import Scenario, decode, prefill
from harness.scenarios.cold import flusher
from harness.scenarios.decode import Decode
from harness.scenarios.prefill import Prefill
from harness.session.eager import TorchSession
from harness.session.workload import Workload

LOAD = {"batch": 2, "prompt": 6, "generate": 3}


class Device(torch.nn.Module):
    """A model, its device's clock and its caches: all that happens is noted in order.

    A pass takes a second and emptying the caches a thousand.
    """

    resolution = 1e-9

    def __init__(self) -> None:
        super().__init__()
        self.core: Transformer = build(
            SIZES["nano"].shape, Sdpa().mixer, device=torch.device("cpu")
        )
        self.seen: list[str] = []
        self.time = 0.0

    def forward(self, tokens: torch.Tensor, **options: Any) -> torch.Tensor:
        self.seen.append("pass")
        self.time += 1
        logits: torch.Tensor = self.core(tokens, **options)
        return logits

    def mark(self) -> float:
        self.seen.append("mark")
        return self.time

    def seconds(self, start: object, end: object) -> float:
        assert isinstance(start, float)
        assert isinstance(end, float)
        return end - start

    def flush(self) -> None:
        self.seen.append("flush")
        self.time += 1000


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    made = Device()
    for scenario in (prefill, decode):
        monkeypatch.setattr(scenario, "flusher", lambda *_: made.flush)
    return made


def session(device: Device) -> TorchSession:
    return TorchSession(device, device.core, torch.device("cpu"), 2)


WORKLOAD = Workload(LOAD, SIZES["nano"].shape.vocab, seed=1, batch=2, cache_bytes=lambda: 1)


def cold_one(scenario: type[Scenario]) -> Scenario:
    return scenario(scenario.Options(cold=True))  # type: ignore[call-arg]  # both have it


@torch.inference_mode()
def test_a_cold_prefill_empties_the_caches_before_the_clock_starts(device: Device) -> None:
    iteration = cold_one(Prefill).prepare(session(device), WORKLOAD)
    assert iteration(device) == {"latency": 1.0}
    assert device.seen == ["flush", "mark", "pass", "mark"]


@torch.inference_mode()
def test_a_cold_decode_empties_them_before_each_token(device: Device) -> None:
    """Else only the first of them would find the caches cold."""
    iteration = cold_one(Decode).prepare(session(device), WORKLOAD)
    device.seen.clear()
    assert iteration(device) == {"tpot": 1.0}
    assert device.seen == ["flush", "mark", "pass", "mark"] * 3


@torch.inference_mode()
@pytest.mark.parametrize("scenario", [Prefill(), Decode()], ids=["prefill", "decode"])
def test_without_it_the_caches_are_left_alone(device: Device, scenario: Scenario) -> None:
    scenario.prepare(session(device), WORKLOAD)(device)
    assert "flush" not in device.seen


@torch.inference_mode()
def test_a_cold_decode_produces_the_same_tokens(device: Device) -> None:
    """It ends where the other one ends."""
    warm, flushed = session(device), session(device)
    Decode().prepare(warm, WORKLOAD)(device)
    cold_one(Decode).prepare(flushed, WORKLOAD)(device)
    states = [one.state for one in (warm, flushed) if isinstance(one.state, DecodeState)]
    assert len(states) == 2
    assert states[0].position == states[1].position == 9
    for first, second in zip(*(state.layers for state in states), strict=True):
        assert all(torch.equal(vars(first)[name], vars(second)[name]) for name in vars(first))


@pytest.mark.parametrize("scenario", [Prefill, Decode])
def test_a_warm_cell_keeps_its_id(scenario: type[Scenario]) -> None:
    """Saying the default is the same cell as saying nothing."""
    assert scenario.Options(cold=False).canonical() == ()  # type: ignore[call-arg]  # as above
    assert scenario.of(Choice("any", (("cold", True),))).options.cold


def test_twice_the_cache_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """By memory that is really there."""
    made: list[torch.Tensor] = []
    plain = torch.zeros

    def noted(*sizes: int, **options: Any) -> torch.Tensor:
        made.append(plain(*sizes, **options))
        return made[-1]

    monkeypatch.setattr(torch, "zeros", noted)
    flush = flusher(torch.device("cpu"), 4096)
    flush()
    flush()
    assert [tuple(one.shape) for one in made] == [(8192,)]
    assert (made[0] == 2).all()
