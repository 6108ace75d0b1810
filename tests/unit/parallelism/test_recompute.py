"""What recomputation keeps, and what it makes again."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.utils._python_dispatch import TorchDispatchMode

from harness.distributed.assemble import Whole, split_model
from harness.distributed.driver import Driver
from harness.distributed.split import Split
from harness.domain.cell import Choice
from harness.model.build import build
from harness.model.shape import Shape
from harness.operators import registry
from harness.parallelism.recompute.checkpoints import recompute
from harness.timer import HostTimer
from harness.worker.inspection import iteration_facts

SHAPE = Shape(layers=3, d_model=32, heads=2, vocab=11, context=16)
CPU = torch.device("cpu")


class Counting(TorchDispatchMode):
    """Counts torch's operations."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.calls[func._schema.name] += 1
        return func(*args, **(kwargs or {}))


def split(mode: str) -> Split:
    operator = registry["sdpa"].of(Choice("sdpa"))
    core = build(SHAPE, operator.mixer, device=CPU).train()

    def change(one: Split) -> None:
        if mode != "none":
            recompute(one, selective=mode == "selective")

    return split_model(Whole(core, {}, [change], CPU, trains=True, timer=HostTimer()))


def learn(one: Split) -> None:
    tokens = torch.arange(32).view(2, 16) % SHAPE.vocab
    cross_entropy(one.parts[0](tokens).flatten(0, 1), tokens.flatten()).backward()


def kept(one: Split) -> float:
    parameters = list(one.core.parameters())
    facts = iteration_facts(lambda: learn(one), parameters, sends=False, trains=True)
    return facts["rank_activations"]


def test_a_block_keeps_its_input_only() -> None:
    assert kept(split("full")) < kept(split("none")) / 2


@pytest.mark.parametrize(("mode", "again"), [("none", 0), ("selective", 0), ("full", 1)])
def test_products_are_made_again_in_full_alone(mode: str, again: int) -> None:
    """Three a block, as nothing needs the last one's output; what is cheap selectively, too."""
    counts = {}
    for name in ("none", mode):
        with Counting() as counting:
            learn(split(name))
        counts[name] = counting.calls
    products = counts[mode]["aten::addmm"] - counts["none"]["aten::addmm"]
    assert products == again * 3 * SHAPE.layers
    gelus = counts[mode]["aten::gelu"] - counts["none"]["aten::gelu"]
    assert gelus == (0 if mode == "none" else SHAPE.layers)


def test_a_batch_in_passes_keeps_less_at_once() -> None:
    told = []
    for times in (1, 4):
        one = split("none")
        one.accumulate = times
        tokens = torch.arange(64).view(4, 16) % SHAPE.vocab
        optimizer = torch.optim.AdamW(one.parameters())
        step = Driver(one).training_step(optimizer, tokens, tokens)
        facts = iteration_facts(step, list(one.core.parameters()), sends=False, trains=True)
        told.append(facts["rank_activations"])
    assert told[1] < told[0] / 3
