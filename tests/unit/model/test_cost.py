"""The arithmetic against the real thing: modules, torch's FLOP counter, memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from harness import operators, scenarios
from harness.domain.entry import Entry
from harness.model import cost
from harness.model.cost import Work
from harness.model.measure import model_bytes, parameter_count
from harness.model.shape import Shape
from harness.model.sizes import SIZES
from harness.model.transformer import Transformer, build
from harness.operators import Operator
from harness.operators.sdpa import Sdpa
from harness.scenarios import Scenario, Subject

Example = Callable[[type[Entry]], Entry]

SHAPES = [
    Shape(layers=1, d_model=8, heads=1, vocab=11, context=16),
    Shape(layers=2, d_model=48, heads=3, vocab=101, context=32, d_ff=80),
    Shape(layers=3, d_model=64, heads=8, vocab=300, context=24),
]
WORKLOADS = [
    {"batch": 1, "prompt": 1, "generate": 1},
    {"batch": 1, "prompt": 7, "generate": 5},
    {"batch": 3, "prompt": 12, "generate": 2},
]
every_operator = pytest.mark.parametrize(
    "operator", operators.registry.entries(), ids=lambda one: one.name
)
every_scenario = pytest.mark.parametrize(
    "scenario", scenarios.registry.entries(), ids=lambda one: one.name
)


class StoppedClock:
    """No time passes: only the work matters here."""

    resolution = 1e-9

    def mark(self) -> object:
        return None

    def seconds(self, start: object, end: object) -> float:
        return 0.0


def counted_flops(model: Transformer, scenario: Scenario, workload: Mapping[str, int]) -> int:
    """What torch counts over one iteration; its preparation is left out."""
    device, dtype = torch.device("cpu"), torch.float32
    subject = Subject(model, model, device, dtype, workload["batch"], workload, seed=0)
    mode: AbstractContextManager[object] = (
        nullcontext() if scenario.trains else torch.inference_mode()
    )
    # torch's counter does not know the fused CPU kernel; as plain matrix products it sees all.
    with mode, sdpa_kernel(SDPBackend.MATH):
        iteration = scenario.prepare(subject)
        with FlopCounterMode(display=False) as counter:
            iteration(StoppedClock())
    return int(counter.get_total_flops())


@every_operator
@pytest.mark.parametrize("shape", SHAPES, ids=lambda one: f"{one.layers}x{one.d_model}")
def test_parameters_are_those_of_the_real_module(
    shape: Shape, operator: type[Operator], example: Example
) -> None:
    chosen = example(operator)
    assert isinstance(chosen, Operator)
    model = build(shape, chosen.mixer, device=torch.device("cpu"))
    assert cost.parameters(shape, chosen) == parameter_count(model)


@pytest.mark.parametrize("name", SIZES)
def test_parameters_of_every_named_size_are_those_of_its_module(name: str) -> None:
    """Made without memory, which 175 billion would take much of."""
    shape = SIZES[name].shape
    with torch.device("meta"):
        model = Transformer(shape, Sdpa().mixer)
    assert cost.parameters(shape, Sdpa()) == parameter_count(model)


@every_operator
@every_scenario
@pytest.mark.parametrize("workload", WORKLOADS, ids=["one", "steps", "batch"])
def test_flops_are_those_that_torch_counts(
    operator: type[Operator],
    scenario: type[Scenario],
    workload: Mapping[str, int],
    example: Example,
) -> None:
    """To the last one, for every operator in every scenario."""
    chosen, driven, shape = example(operator), example(scenario), SHAPES[1]
    assert isinstance(chosen, Operator)
    assert isinstance(driven, Scenario)
    model = build(shape, chosen.mixer, device=torch.device("cpu"))
    expected = cost.flops(shape, chosen, driven.work(workload))
    assert expected == counted_flops(model, driven, workload)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_weight_bytes_are_those_of_the_real_module(dtype: torch.dtype) -> None:
    """The tied head takes none of its own."""
    model = build(SHAPES[1], Sdpa().mixer, device=torch.device("cpu"), dtype=dtype)
    assert cost.weight_bytes(SHAPES[1], Sdpa(), dtype.itemsize) == model_bytes(model)


def test_the_state_of_all_layers_is_counted() -> None:
    """A key and a value of the model's width, a token, a sequence and a layer."""
    shape = SHAPES[1]
    expected = shape.layers * 5 * 20 * 2 * shape.d_model * 4
    assert expected == cost.state_bytes(shape, Sdpa(), batch=5, capacity=20, element=4)


def test_a_backward_pass_takes_twice_its_forward_pass() -> None:
    forward = cost.flops(SHAPES[1], Sdpa(), [Work(2, 8, logits=8)])
    assert 3 * forward == cost.flops(SHAPES[1], Sdpa(), [Work(2, 8, logits=8, backward=True)])


def test_passes_add_up() -> None:
    works = [Work(2, 8), Work(2, 1, past=8)]
    apart = [cost.flops(SHAPES[1], Sdpa(), [work]) for work in works]
    assert sum(apart) == cost.flops(SHAPES[1], Sdpa(), works)
