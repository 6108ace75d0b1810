"""What every operator says of its cost; a new entry is tested by being registered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from harness.contract.plugin import SHAPE, choice_of
from harness.model.shape import Shape
from harness.operators import Operator

CPU = torch.device("cpu")
LAYERS = range(SHAPE.layers)
# Each pass as (new, past): a prefill, a decode step, a chunk, a chunk as long as its past.
PASSES = [(40, 0), (1, 39), (7, 20), (8, 8)]

pytestmark = pytest.mark.usefixtures("uncompiled")


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """All tensors that an object holds, at any depth, except those of modules."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from tensors_in(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from tensors_in(one)
    elif hasattr(value, "__dict__") and not isinstance(value, (nn.Module, Shape)):
        yield from tensors_in(vars(value))


@pytest.mark.parametrize("layer", LAYERS)
def test_parameters_equal_the_mixers(operator: Operator, layer: int) -> None:
    mixer = operator.mixer(SHAPE, layer)
    assert operator.parameters(SHAPE, layer) == sum(one.numel() for one in mixer.parameters())


@pytest.mark.usefixtures("countable")
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(("new", "past"), PASSES)
def test_flops_equal_torchs_count(operator: Operator, layer: int, new: int, past: int) -> None:
    """Exactly."""
    mixer = operator.mixer(SHAPE, layer)
    state = mixer.new_state(2, SHAPE.context, CPU, torch.float32)
    before, x = torch.randn(2, past, SHAPE.d_model), torch.randn(2, new, SHAPE.d_model)
    with torch.inference_mode():
        if past:
            mixer(before, state, 0)
        with FlopCounterMode(display=False) as counter:
            mixer(x, state, past)
    assert operator.flops(SHAPE, layer, 2, new, past) == counter.get_total_flops()


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("capacity", [8, 64])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_state_bytes_equal_the_states(
    operator: Operator, layer: int, dtype: torch.dtype, capacity: int
) -> None:
    state = operator.mixer(SHAPE, layer).new_state(3, capacity, CPU, dtype)
    storages = {one.untyped_storage().data_ptr(): one for one in tensors_in(state)}
    real = sum(one.untyped_storage().nbytes() for one in storages.values())
    assert operator.state_bytes(SHAPE, layer, 3, capacity, dtype.itemsize) == real
    assert state.bytes() == real


def test_layers_repeat_after_a_cycle(operator: Operator) -> None:
    """So that one cycle gives the cost of any number of layers."""
    shape = SHAPE.model_copy(update={"layers": 3 * operator.cycle})
    for layer in range(2 * operator.cycle):
        here, there = layer, layer + operator.cycle
        for past in (0, 20):
            assert operator.flops(shape, here, 2, 9, past) == operator.flops(
                shape, there, 2, 9, past
            )
        assert operator.parameters(shape, here) == operator.parameters(shape, there)
        assert operator.state_bytes(shape, here, 2, 64, 4) == operator.state_bytes(
            shape, there, 2, 64, 4
        )


class CallCounter(TorchDispatchMode):
    """Counts calls of torch operations."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no annotations
        self.calls = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.calls += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.usefixtures("countable")
@torch.inference_mode()
def test_prefill_does_not_go_token_by_token(operator: Operator) -> None:
    """By default, four times the tokens take little more than twice the calls."""
    if operator.sequential:
        pytest.skip("sequential")
    if {*dict(choice_of(operator).options)} - {"pattern"}:
        pytest.skip("an option may cut the work into single tokens")
    mixer, calls = operator.mixer(SHAPE, 0), []
    for length in (64, 256):
        with CallCounter() as counter:
            mixer(torch.randn(1, length, SHAPE.d_model))
        calls.append(counter.calls)
    assert calls[1] <= 2.5 * calls[0]
