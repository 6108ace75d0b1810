"""The arithmetic against the real thing: modules, torch's FLOP counter, memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from harness import operators, scenarios
from harness.domain.entry import Entry
from harness.model import cost
from harness.model.architectures import EncoderDecoderShape, EncoderShape
from harness.model.build import assembled, build
from harness.model.cost import Work
from harness.model.measure import model_bytes, parameter_count, weights_of
from harness.model.mixer import LayerState
from harness.model.shape import Shape
from harness.model.sizes import SIZES
from harness.model.transformer import DecodeState, Transformer
from harness.operators import Operator
from harness.operators.banded import Banded
from harness.operators.gpt3 import Gpt3
from harness.operators.sdpa import Sdpa
from harness.scenarios import Scenario
from harness.session.eager import TorchSession
from harness.session.workload import Workload

Example = Callable[[type[Entry]], Entry]

SHAPES = [
    Shape(layers=1, d_model=8, heads=2, vocab=11, context=16),
    Shape(layers=2, d_model=48, heads=4, vocab=101, context=32, d_ff=80),
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
    batch = workload["batch"]
    session = TorchSession(model, model, torch.device("cpu"), batch)
    given = Workload(workload, model.shape.vocab, seed=0, batch=batch)
    mode: AbstractContextManager[object] = (
        nullcontext() if scenario.trains else torch.inference_mode()
    )
    with mode:
        iteration = scenario.prepare(session, given)
        with FlopCounterMode(display=False) as counter:
            iteration(StoppedClock())
    return int(counter.get_total_flops())


def made(operator: Operator, shape: Shape, **options: Any) -> Transformer:
    device = torch.device("cpu")
    return build(shape, operator.mixer, unmasked=operator.unmasked, device=device, **options)


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


@pytest.mark.usefixtures("countable")
@every_operator
@every_scenario
@pytest.mark.parametrize("workload", WORKLOADS, ids=["one", "steps", "batch"])
def test_flops_are_those_that_torch_counts(
    operator: type[Operator],
    scenario: type[Scenario],
    workload: Mapping[str, int],
    example: Example,
) -> None:
    """To the last one, for every operator in every scenario; of a backward pass, that which it
    does again is not counted as the model's, and told apart.
    """
    chosen, driven, shape = example(operator), example(scenario), SHAPES[1]
    assert isinstance(chosen, Operator)
    assert isinstance(driven, Scenario)
    model = build(shape, chosen.mixer, device=torch.device("cpu"))
    expected = cost.flops(shape, chosen, driven.work(workload))
    if driven.trains:
        layers = range(shape.layers)
        batch, new = workload["batch"], workload["prompt"]
        expected += sum(chosen.recomputed(shape, layer, batch, new) for layer in layers)
    assert expected == counted_flops(model, driven, workload)


@bidirectional
@every_encoding
def test_parameters_of_an_encoding_architecture_are_those_of_its_module(
    shape: Shape, operator: type[Operator], example: Example
) -> None:
    assert cost.parameters(shape, operator()) == parameter_count(made(operator(), shape))


@pytest.mark.usefixtures("countable")
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
    assert expected == state.bytes()
    with torch.inference_mode():
        model(torch.zeros(3, 14, dtype=torch.long), state=state, last_only=True)
    assert expected == state.bytes()


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


def test_layers_of_all_kinds_are_counted() -> None:
    """Three layers that alternate are two of the first kind and one of the second."""
    shape = Shape(layers=3, d_model=8, heads=2, vocab=11, context=16)
    mixed, full, banded = Gpt3(Gpt3.Options(window=2)), Sdpa(), Banded(Banded.Options(window=2))
    alone = Shape(layers=1, d_model=8, heads=2, vocab=11, context=16)
    for of in (
        lambda one, operator: cost.state_bytes(one, operator, 1, 10, 4),
        lambda one, operator: cost.flops(one, operator, [Work(2, 9, logits=0)]),
    ):
        assert of(shape, mixed) == 2 * of(alone, full) + of(alone, banded)


def test_a_backward_pass_takes_twice_its_forward_pass() -> None:
    forward = cost.flops(SHAPES[1], Sdpa(), [Work(2, 8, logits=8)])
    assert 3 * forward == cost.flops(SHAPES[1], Sdpa(), [Work(2, 8, logits=8, backward=True)])


def test_passes_add_up() -> None:
    works = [Work(2, 8), Work(2, 1, past=8)]
    apart = [cost.flops(SHAPES[1], Sdpa(), [work]) for work in works]
    assert sum(apart) == cost.flops(SHAPES[1], Sdpa(), works)


class Touched(TorchDispatchMode):
    """Bytes that a pass takes from the model's weights and exchanges with its KV caches.

    Each weight once, whole, however many operations take it; of the embedding tables the rows
    looked up. Keys and values where they are copied in, and where they are multiplied: those of
    `past` tokens, as the new ones were just made. What an encoder handed on likewise, whole.
    """

    def __init__(self, model: Transformer, state: DecodeState, work: Work) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's
        self._weights = {one.untyped_storage().data_ptr() for one in model.parameters()}
        tables = [one for one in model.modules() if isinstance(one, torch.nn.Embedding)]
        self._tables = {one.weight.data_ptr() for one in tables}
        own = len(model.blocks)
        self._caches, self._handed_on = held_by(state.layers[:own]), held_by(state.layers[own:])
        past = 1 + work.further if self._handed_on else work.past
        self._old = past / (past + work.new) if work.past else 0.0
        self._kept = work.past > 0
        self._whole: dict[int, int] = {}
        self._pieces = 0.0

    @property
    def bytes(self) -> float:
        return sum(self._whole.values()) + self._pieces

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        for one in args:
            if isinstance(one, torch.Tensor):
                self._take(name, one, out)
        return out

    def _take(self, operation: str, one: torch.Tensor, out: Any) -> None:
        memory = one.untyped_storage().data_ptr()
        if operation == "embedding" and memory in self._tables:
            self._pieces += out.nbytes
        elif operation == "add" and memory in self._tables:  # positions, already sliced
            self._pieces += one.nbytes
        elif operation in {"linear", "layer_norm"} and memory in self._weights:
            self._whole[memory] = one.nbytes
        elif operation == "copy_" and memory in self._caches | self._handed_on:
            self._pieces += one.nbytes
        elif operation == "matmul" and memory in self._caches:
            self._pieces += one.nbytes * self._old
        elif operation in {"add", "scaled_dot_product_attention"} and memory in self._handed_on:
            self._pieces += one.nbytes * self._kept


def held_by(layers: Sequence[LayerState]) -> set[int]:
    """Where the tensors of layers' states are."""
    held = [one for layer in layers for one in vars(layer).values()]
    return {one.untyped_storage().data_ptr() for one in held if isinstance(one, torch.Tensor)}


def touched_bytes(model: Transformer, works: list[Work]) -> float:
    """What the passes really take, each over as many tokens behind those before."""
    further = sum(work.new for work in works if work.past)
    state, whole = model.new_state(works[0].batch, model.shape.context, further), 0.0
    with torch.inference_mode():
        for work in works:
            state.position = work.past
            tokens = torch.zeros(work.batch, work.new, dtype=torch.long)
            with Touched(model, state, work) as touched:
                model(tokens, state=state, last_only=True)
            whole += touched.bytes
    return whole


@pytest.mark.parametrize(
    "works",
    [
        pytest.param([Work(1, 1)], id="a token"),
        pytest.param([Work(3, 12)], id="a prompt"),
        pytest.param([Work(2, 1, past=7), Work(2, 1, past=8)], id="steps"),
        pytest.param([Work(2, 9), Work(2, 1, past=9)], id="a prompt and a step"),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_bytes_moved_are_those_that_the_models_operations_touch(
    works: list[Work], dtype: torch.dtype
) -> None:
    """Watched as torch dispatches them: weights, rows looked up, keys and values."""
    shape, operator = SHAPES[1], operators.registry["math"]()
    model = build(shape, operator.mixer, device=torch.device("cpu"), dtype=dtype)
    expected = cost.bytes_moved(shape, operator, works, weights_of(model), dtype.itemsize)
    assert expected == pytest.approx(touched_bytes(model, works), rel=1e-12)


@every_encoding
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_bytes_moved_of_an_encoding_architecture_are_those_that_are_touched(
    shape: Shape, dtype: torch.dtype
) -> None:
    """The encoder is read with the prompt alone; what it handed on by each step."""
    operator = operators.registry["math"]()
    works = [Work(2, 9)]
    if shape.generates:
        works += [Work(2, 1, past=9), Work(2, 1, past=10, further=1)]
    model = made(operator, shape, dtype=dtype)
    expected = cost.bytes_moved(shape, operator, works, weights_of(model), dtype.itemsize)
    assert expected == pytest.approx(touched_bytes(model, works), rel=1e-12)


@every_encoding
def test_dense_weights_of_an_encoding_architecture_are_those_of_its_module(shape: Shape) -> None:
    assert cost.dense_weights(shape, Sdpa(), 4) == weights_of(made(Sdpa(), shape))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@every_operator
def test_dense_weights_are_those_of_the_real_module(
    operator: type[Operator], dtype: torch.dtype, example: Example
) -> None:
    """By how a pass reads them."""
    chosen = example(operator)
    assert isinstance(chosen, Operator)
    model = build(SHAPES[1], chosen.mixer, device=torch.device("cpu"), dtype=dtype)
    assert cost.dense_weights(SHAPES[1], chosen, dtype.itemsize) == weights_of(model)


def test_a_pass_that_scores_nothing_leaves_the_head_alone() -> None:
    """And reads of the embedding tables a row a token and one a position."""
    weights = cost.Weights(body=1000, head=100, row=1)
    moved = cost.bytes_moved(SHAPES[1], Sdpa(), [Work(2, 3, logits=0)], weights, 0.0)
    assert moved == 1000 + (2 * 3 + 3)


def test_what_training_moves_is_not_told() -> None:
    """Rather than told too low: gradients and optimizer state are not counted."""
    weights = cost.Weights(body=1000, head=100, row=1)
    work = Work(2, 8, logits=8, backward=True)
    assert cost.bytes_moved(SHAPES[1], Sdpa(), [work], weights, 4.0) is None


class OneState(Sdpa):
    """An operator whose state is the same however many tokens it has seen."""

    def state_bytes(
        self, shape: Shape, layer: int, batch: int, capacity: int, element: float
    ) -> float:
        return 10 * batch * element


def test_a_state_of_one_size_is_read_and_written_whole() -> None:
    """By each pass; before the first token there is nothing to read."""
    weights = cost.Weights(body=0, head=0, row=0)
    operator, layers = OneState(), SHAPES[1].layers

    def moved(past: int) -> float | None:
        return cost.bytes_moved(SHAPES[1], operator, [Work(3, 1, past=past)], weights, 2.0)

    assert moved(past=0) == layers * 10 * 3 * 2
    assert moved(past=9) == 2 * layers * 10 * 3 * 2
