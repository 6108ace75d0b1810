"""The arithmetic against the real thing: modules, torch's FLOP counter, memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from harness import operators, scenarios
from harness.domain.entry import Entry
from harness.model import cost
from harness.model.architectures import EncoderDecoderShape, EncoderShape
from harness.model.cost import Work
from harness.model.measure import model_bytes, parameter_count
from harness.model.shape import Shape
from harness.model.sizes import SIZES
from harness.model.transformer import DecodeState, Transformer, assembled, build
from harness.operators import Operator
from harness.operators.sdpa import Sdpa
from harness.scenarios import Scenario, Subject

Example = Callable[[type[Entry]], Entry]

SHAPES = [
    Shape(layers=1, d_model=8, heads=1, vocab=11, context=16),
    Shape(layers=2, d_model=48, heads=3, vocab=101, context=32, d_ff=80),
    Shape(layers=3, d_model=64, heads=8, vocab=300, context=24),
]
DIMENSIONS: dict[str, Any] = {"layers": 2, "d_model": 48, "heads": 3, "vocab": 101, "d_ff": 80}
ENCODING = [
    EncoderShape(**DIMENSIONS, context=32),
    EncoderDecoderShape(**DIMENSIONS, context=32),
    EncoderDecoderShape(**DIMENSIONS, context=32, decoder_layers=3),
    EncoderDecoderShape(**DIMENSIONS, context=32, decoder_layers=1, readout="concat"),
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


bidirectional = pytest.mark.parametrize(
    "operator",
    [one for one in operators.registry.entries() if one.bidirectional],
    ids=lambda one: one.name,
)
every_encoding = pytest.mark.parametrize(
    "shape", ENCODING, ids=["encoder", "sequence", "deeper", "concat"]
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


def made(operator: Operator, shape: Shape, **options: Any) -> Transformer:
    device = torch.device("cpu")
    return build(shape, operator.mixer, unmasked=operator.unmasked, device=device, **options)


def held_bytes(state: DecodeState) -> int:
    """Of all tensors that a state's layers hold, memory that several share once."""
    held = [one for layer in state.layers for one in vars(layer).values()]
    storages = {
        one.untyped_storage().data_ptr(): one.untyped_storage().nbytes()
        for one in held
        if isinstance(one, torch.Tensor)
    }
    return sum(storages.values())


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
        model = assembled(shape, Sdpa().mixer, Sdpa().unmasked)
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


@bidirectional
@every_encoding
def test_parameters_of_an_encoding_architecture_are_those_of_its_module(
    shape: Shape, operator: type[Operator], example: Example
) -> None:
    assert cost.parameters(shape, operator()) == parameter_count(made(operator(), shape))


@bidirectional
@every_encoding
@every_scenario
@pytest.mark.parametrize("workload", WORKLOADS, ids=["one", "steps", "batch"])
def test_flops_of_an_encoding_architecture_are_those_that_torch_counts(
    operator: type[Operator],
    shape: Shape,
    scenario: type[Scenario],
    workload: Mapping[str, int],
    example: Example,
) -> None:
    """Keys and values of the prompt are projected once, and in no step."""
    if "generate" in scenario.workload and not shape.generates:
        pytest.skip("produces no tokens")
    driven = example(scenario)
    assert isinstance(driven, Scenario)
    expected = cost.flops(shape, operator(), driven.work(workload))
    assert expected == counted_flops(made(operator(), shape), driven, workload)


@bidirectional
@every_encoding
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_the_state_of_an_encoding_architecture_takes_what_is_told(
    operator: type[Operator], shape: Shape, dtype: torch.dtype
) -> None:
    """Before a prompt is read and after."""
    model = made(operator(), shape, dtype=dtype)
    state = model.new_state(3, capacity=20, further=6)
    expected = cost.state_bytes(shape, operator(), 3, 20, dtype.itemsize, further=6)
    assert expected == held_bytes(state)
    with torch.inference_mode():
        model(torch.zeros(3, 14, dtype=torch.long), state=state, last_only=True)
    assert expected == held_bytes(state)


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
