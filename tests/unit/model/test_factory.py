"""A user's own module: driven, counted and written to a file like the built-in ones."""

from __future__ import annotations

import sys
import types
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import nn
from torch.nn import functional

from harness.compression import layers_of
from harness.compression import registry as compressions
from harness.domain.cell import Choice
from harness.errors import Unsupported
from harness.model.architectures import FactoryShape
from harness.model.artifact import load_of_factory, save, verify
from harness.model.build import build
from harness.model.cost import Work, weights_read
from harness.model.factory import FactoryError, FactoryModel, built, counted_flops, weights_of
from harness.model.measure import executed_flops, parameter_count
from harness.model.sizes import SIZES
from harness.model.transformer import DecodeState
from harness.operators.sdpa import Sdpa
from harness.quality.text import RandomText
from harness.session.eager import TorchSession

NANO = SIZES["nano"].shape
CPU = torch.device("cpu")
SHAPE = FactoryShape(vocab=64, context=32, factory="zoo:model")


class Adapted(nn.Linear):
    """More than a Linear: what a compression must leave alone."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's own name
        return super().forward(input) + 1


class Net(nn.Module):
    """One layer at two places, a tied head, a Linear of a derived class, buffers of both kinds."""

    shift: torch.Tensor

    def __init__(self, vocab: int) -> None:
        super().__init__()
        self.table = nn.Embedding(vocab, 16)
        self.first = nn.Linear(16, 16)
        self.second = self.first
        self.adapted = Adapted(16, 16)
        self.head = nn.Linear(16, vocab, bias=False)
        self.head.weight = self.table.weight
        self.register_buffer("scale", torch.rand(16))
        self.register_buffer("shift", torch.ones(16), persistent=False)

    def forward(self, tokens: torch.Tensor) -> Any:
        x = self.table(tokens) * self.scale + self.shift
        logits = self.head(self.adapted(self.second(functional.relu(self.first(x)))))
        return types.SimpleNamespace(logits=logits)


class Wrapped(nn.Module):
    """The built-in decoder, as a user's module."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = build(NANO, Sdpa().mixer, device=CPU)

    def new_state(self, batch: int, capacity: int) -> Any:
        state = self.inner.new_state(batch, capacity)
        state.reset = state.rewind  # type: ignore[attr-defined]
        return state

    def forward(self, tokens: torch.Tensor, state: DecodeState | None = None) -> torch.Tensor:
        logits: torch.Tensor = self.inner(tokens, state=state, last_only=state is not None)
        return logits


@pytest.fixture(autouse=True)
def zoo(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A module of factories."""
    module = types.ModuleType("zoo")
    module.model = lambda *, vocab, context: Net(vocab)  # type: ignore[attr-defined]
    module.wrapped = lambda **_: Wrapped()  # type: ignore[attr-defined]
    module.text = lambda *, vocab, context: "no module"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "zoo", module)
    return module


def tokens(length: int = 8, batch: int = 2) -> torch.Tensor:
    return torch.arange(batch * length).view(batch, length) % 64


def wrapped() -> FactoryModel:
    return built(FactoryShape(vocab=NANO.vocab, context=NANO.context, factory="zoo:wrapped"), CPU)


def test_the_same_seed_builds_the_same_model() -> None:
    one, same, other = built(SHAPE, CPU), built(SHAPE, CPU), built(SHAPE, CPU, seed=1)
    assert torch.equal(one(tokens()), same(tokens()))
    assert not torch.equal(one(tokens()), other(tokens()))
    assert not one.training


def test_an_output_with_logits_in_it_will_do() -> None:
    assert built(SHAPE, CPU)(tokens()).shape == (2, 8, 64)
    assert built(SHAPE, CPU)(tokens(), last_only=True).shape == (2, 1, 64)


@pytest.mark.parametrize(
    ("factory", "why"),
    [
        ("zoo:nothing", "the module zoo has no function nothing"),
        ("zoo:text", "returned a str, not a torch module"),
        ("nowhere_at_all:model", "cannot be imported"),
    ],
)
def test_what_is_no_factory_says_why(factory: str, why: str) -> None:
    with pytest.raises(FactoryError, match=why):
        built(FactoryShape(factory=factory), CPU)


def test_logits_of_another_size_are_refused(zoo: types.ModuleType) -> None:
    zoo.model = lambda *, vocab, context: Net(vocab - 1)  # type: ignore[attr-defined]
    with pytest.raises(FactoryError, match=r"its logits are \[2, 8, 63\], not \[2, 8, 64\]"):
        built(SHAPE, CPU)(tokens())


def test_without_a_state_prompts_are_read_and_nothing_is_decoded() -> None:
    session = TorchSession(model := built(SHAPE, CPU), model, CPU, 2)
    assert not session.decodes
    session.start(8)
    session.prefill(session.place(tokens()))
    session.reset()
    assert session.state_bytes() is None
    with pytest.raises(Unsupported, match=r"zoo:model keeps no decode state: .* no new_state\(\)"):
        session.start(9, further=1)


def test_a_state_that_lacks_a_method_is_refused(zoo: types.ModuleType) -> None:
    class Half(Net):
        def new_state(self, batch: int, capacity: int) -> Any:
            return types.SimpleNamespace(reset=lambda: None)

    zoo.model = lambda *, vocab, context: Half(vocab)  # type: ignore[attr-defined]
    with pytest.raises(FactoryError, match="its state has no snapshot and no restore"):
        built(SHAPE, CPU).new_state(2, 8)


def test_a_state_of_its_own_is_driven_as_the_built_in_one() -> None:
    """Snapshot, restore and reset among it."""
    model, inner = wrapped(), build(NANO, Sdpa().mixer, device=CPU)
    model.module.inner = inner
    ours, theirs = TorchSession(model, model, CPU, 2), TorchSession(inner, inner, CPU, 2)
    chosen = []
    with torch.inference_mode():
        for session in (ours, theirs):
            session.start(12, further=4)
            step = session.decode(session.place(tokens()))
            kept = session.snapshot()
            session.decode(step)
            session.restore(kept)
            chosen.append([step := session.decode(step) for _ in range(3)])
            session.reset()
            chosen[-1].append(session.decode(session.place(tokens())))
    assert all(torch.equal(one, other) for one, other in zip(*chosen, strict=True))
    assert ours.state_bytes() == theirs.state_bytes()


@pytest.mark.parametrize("trains", [False, True])
def test_flops_counted_are_those_of_the_models_own_arithmetic(trains: bool) -> None:
    """The built-in decoder's, which formulas give: but for backward attention, see below."""
    model = wrapped()
    session = TorchSession(model, model, CPU, 2)
    if trains:
        step = session.training_step(tokens(9))
        work = Work(2, 8, logits=8, backward=True)
    else:
        session.start(8)
        work = Work(2, 8)
        placed = session.place(tokens())

        def step() -> torch.Tensor | None:
            session.reset()
            return session.prefill(placed)

    with session.running(trains=trains):
        counted = counted_flops(model, step)
    core = build(NANO, Sdpa().mixer, device=CPU)
    formula = executed_flops(core, Sdpa(), [work])
    # Torch counts five products of a backward pass over attention, one of them done again; the
    # formula four.
    again = NANO.layers * 2 * 2 * 8 * 8 * NANO.d_model if trains else 0
    assert counted == formula + again


def test_packed_layers_count_as_linears_of_their_size() -> None:
    """Whatever torch's counter sees of their kernels."""
    dense, packed = built(SHAPE, CPU), built(SHAPE, CPU)
    entry = compressions["int8-dynamic"]()
    entry.apply(packed, RandomText(64))  # type: ignore[arg-type]
    flops = [counted_flops(one, partial(one, tokens())) for one in (dense, packed)]
    assert flops[0] == flops[1] == 2 * 16 * (3 * 16 * 16 + 16 * 64)


def test_a_pass_reads_the_weights_once_and_rows_of_what_is_looked_up() -> None:
    """A table that is the head too is read whole."""
    weights = weights_of(built(SHAPE, CPU))
    whole = 4 * (64 * 16 + 2 * (16 * 16 + 16) + 2 * 16)  # a layer at two places counts once
    assert weights_read(weights, [Work(2, 8)]) == whole + 4 * 16 * 16
    assert weights_read(weights, [Work(2, 8, backward=True)]) is None


@pytest.mark.parametrize("name", ["int8-dynamic", "int8-weight-only", "magnitude", "2:4", "wanda"])
def test_its_file_holds_the_compressed_model(name: str, tmp_path: Path) -> None:
    """To the bit: ties, a layer at two places, buffers; a derived Linear stays as it is."""
    model = built(SHAPE, CPU)
    entry = compressions[name].of(Choice(name))
    entry.apply(model, RandomText(64))  # type: ignore[arg-type]
    net = cast("Net", model.module)
    net.shift += 1  # not in the file: the factory makes it again
    save(model, tmp_path / "file")
    net.shift -= 1
    verify(tmp_path / "file")
    again = load_of_factory(tmp_path / "file", CPU, torch.float32, layers_of([type(entry)]))
    assert torch.equal(again(tokens()), model(tokens()))
    assert parameter_count(again) == parameter_count(model)
    restored = cast("Net", again.module)
    assert type(restored.adapted) is Adapted
    assert restored.first is restored.second
