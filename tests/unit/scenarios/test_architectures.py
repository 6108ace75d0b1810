"""Every scenario drives every architecture alike, where the architecture can do it at all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
import torch

from harness import scenarios
from harness.domain.entry import Entry
from harness.model.architectures import SHAPES
from harness.model.build import build
from harness.model.shape import Shape
from harness.operators.sdpa import Sdpa
from harness.scenarios import Scenario
from harness.scenarios.train import Train
from harness.session.eager import TorchSession
from harness.session.workload import Workload
from harness.timer import Timer

MakeTimer = Callable[[], Timer]
LOADS = [
    {"batch": 1, "prompt": 1, "generate": 1},
    {"batch": 2, "prompt": 12, "generate": 5},
    {"batch": 2, "prompt": 2, "generate": 9},
]
DIMENSIONS: dict[str, Any] = {"layers": 2, "d_model": 48, "heads": 3, "vocab": 101}

every_architecture = pytest.mark.parametrize("kind", SHAPES.values(), ids=SHAPES)


def session(shape: Shape, load: dict[str, int]) -> TorchSession:
    device = torch.device("cpu")
    model = build(shape, Sdpa().mixer, unmasked=Sdpa().unmasked, device=device)
    return TorchSession(model, model, device, load["batch"])


def workload(load: dict[str, int]) -> Workload:
    return Workload(load, DIMENSIONS["vocab"], seed=1, batch=load["batch"])


@every_architecture
@pytest.mark.parametrize("entry", scenarios.registry.entries(), ids=lambda one: one.name)
@pytest.mark.parametrize("load", LOADS, ids=["least", "usual", "talkative"])
def test_the_context_that_is_asked_for_is_enough(
    kind: type[Shape],
    entry: type[Scenario],
    load: dict[str, int],
    example: Callable[[type[Entry]], Entry],
    counting: MakeTimer,
) -> None:
    """And the scenario can be repeated in it."""
    if "generate" in entry.workload and not kind.generates:
        pytest.skip("produces no tokens")
    scenario = example(entry)
    assert isinstance(scenario, Scenario)
    further = scenario.capacity(load) - load["prompt"]
    shape = kind(**DIMENSIONS, context=kind(**DIMENSIONS).longest(load["prompt"], further))
    with nullcontext() if scenario.trains else torch.inference_mode():
        iteration = scenario.prepare(session(shape, load), workload(load))
        first, second = iteration(counting()), iteration(counting())
    assert first == second
    assert all(seconds > 0 for seconds in first.values())


@every_architecture
def test_training_makes_every_architecture_better(kind: type[Shape], counting: MakeTimer) -> None:
    """On its own kind of training batch."""
    driven = session(kind(**DIMENSIONS, context=16), LOADS[1])
    tokens = torch.randint(101, (2, 13), generator=torch.Generator().manual_seed(1))
    inputs, targets = driven.core.training_batch(tokens)

    def surprise() -> float:
        with torch.inference_mode():
            logits = driven.core(inputs).flatten(0, 1)
        return torch.nn.functional.cross_entropy(logits, targets.flatten()).item()

    iteration = Train().prepare(driven, workload(LOADS[1]))
    before = surprise()
    for _ in range(3):
        iteration(counting())
    assert surprise() < before
