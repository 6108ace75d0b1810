"""What every scenario promises; a new entry is tested by being registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

import pytest
import torch

from harness import metrics
from harness.domain.cell import WORKLOAD
from harness.domain.entry import Entry
from harness.domain.result import Round, Sample, Status
from harness.model import cost
from harness.model.build import build
from harness.model.sizes import SIZES
from harness.operators.sdpa import Sdpa
from harness.scenarios import Scenario
from harness.session.eager import TorchSession
from harness.session.workload import Workload
from harness.timer import Timer

NANO = SIZES["nano"].shape
MakeTimer = Callable[[], Timer]
LOADS = [
    {"batch": 1, "prompt": 1, "generate": 1},
    {"batch": 2, "prompt": 12, "generate": 5},
]


@pytest.fixture
def scenario(entry: type[Scenario], example: Callable[[type[Entry]], Entry]) -> Scenario:
    made = example(entry)
    assert isinstance(made, Scenario)
    return made


def session(load: Mapping[str, int], context: int = NANO.context) -> TorchSession:
    """Nano on the CPU."""
    device = torch.device("cpu")
    shape = NANO.model_copy(update={"context": context})
    model = build(shape, Sdpa().mixer, device=device)
    return TorchSession(model, model, device, load["batch"])


def workload(load: Mapping[str, int]) -> Workload:
    """A workload with nano's vocabulary."""
    return Workload(load, NANO.vocab, seed=1, batch=load["batch"])


def mode(scenario: Scenario) -> AbstractContextManager[object]:
    return nullcontext() if scenario.trains else torch.inference_mode()


@pytest.mark.parametrize("load", LOADS, ids=["least", "usual"])
def test_its_timed_sections_give_its_headline_metric(
    scenario: Scenario, load: Mapping[str, int], counting: MakeTimer
) -> None:
    """Without it, its leaderboard has nothing to rank by."""
    with mode(scenario):
        sections = scenario.prepare(session(load), workload(load))(counting())
    samples = tuple(Sample(section, seconds) for section, seconds in sections.items())
    facts = {"tokens": float(load["batch"] * scenario.tokens(load))}
    value = metrics.registry[scenario.headline]().value(
        Round(0, Status.OK, samples=samples, facts=facts)
    )
    assert value is not None
    assert value > 0


def test_it_can_be_repeated(scenario: Scenario, counting: MakeTimer) -> None:
    """Every iteration times the same sections."""
    with mode(scenario):
        iteration = scenario.prepare(session(LOADS[1]), workload(LOADS[1]))
        first, second, third = (iteration(counting()) for _ in range(3))
    assert first == second == third
    assert all(seconds > 0 for seconds in first.values())


def test_its_capacity_is_the_context_it_needs(scenario: Scenario, counting: MakeTimer) -> None:
    """Exactly: the state is full at the end."""
    load = LOADS[1]
    with mode(scenario):
        iteration = scenario.prepare(session(load, context=scenario.capacity(load)), workload(load))
        iteration(counting())
    last = scenario.work(load)[-1]
    assert scenario.capacity(load) == last.past + last.new


def test_it_uses_known_workload_keys_only(scenario: Scenario, counting: MakeTimer) -> None:
    """Its cells do not multiply over other keys."""
    assert set(scenario.workload) <= set(WORKLOAD)
    assert "batch" in scenario.workload
    load = {key: LOADS[1][key] for key in scenario.workload}
    assert scenario.tokens(load) > 0
    assert scenario.capacity(load) > 0
    with mode(scenario):
        scenario.prepare(session(LOADS[1]), workload({**load, "batch": 2}))(counting())


def test_its_state_is_as_large_as_its_capacity(scenario: Scenario, counting: MakeTimer) -> None:
    """Training makes no state."""
    driven = session(LOADS[1])
    with mode(scenario):
        scenario.prepare(driven, workload(LOADS[1]))(counting())
    needed = cost.state_bytes(NANO, Sdpa(), 2, scenario.capacity(LOADS[1]), 4)
    assert driven.state_bytes() == (None if scenario.trains else needed)


def test_its_work_covers_the_whole_batch(scenario: Scenario) -> None:
    assert {2} == {work.batch for work in scenario.work(LOADS[1])}


def test_only_training_needs_gradients(scenario: Scenario) -> None:
    assert scenario.trains is any(work.backward for work in scenario.work(LOADS[1]))
