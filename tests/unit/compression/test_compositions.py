"""Which compressions stand behind each other, and why others cannot."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.compression import layers_of, misplaced, registry
from harness.compression.two_four import TwoFour
from harness.domain.cell import Cell, Choice
from harness.domain.run import Host
from harness.model.artifact import load, save
from harness.model.build import build
from harness.model.measure import model_bytes, nonzero_count
from harness.model.sizes import SIZES
from harness.operators.sdpa import Sdpa
from harness.plan.feasible import Feasibility
from harness.quality.text import RandomText
from harness.spec.catalog import registered
from harness.spec.settings import Limits


@pytest.mark.parametrize(
    "names",
    [
        ("heads", "int8-dynamic"),
        ("heads", "channels", "layers"),
        ("distill", "2:4", "int8-weight-only"),
        ("kv-int8", "heads", "int8-dynamic"),
        ("int8-dynamic", "kv-int8"),
        ("svd", "wanda", "int4-weight-only"),
        ("magnitude", "2:4"),
        ("distill", "block"),
        ("block", "recover"),
        ("svd", "recover", "int8-dynamic"),
    ],
    ids=str,
)
def test_what_goes_by_stages_composes(names: tuple[str, ...]) -> None:
    assert misplaced([registry[name] for name in names]) is None


@pytest.mark.parametrize(
    ("names", "place", "reason"),
    [
        (("int8-dynamic", "heads"), 1, "so it must come first: [heads, int8-dynamic]"),
        (("2:4", "svd"), 1, "svd changes what 2:4 works on"),
        (
            ("int8-dynamic", "int4-weight-only"),
            1,
            "already sets the number format: leave one of them out",
        ),
        (("kv-int8", "kv-int8"), 1, "already compresses the decode state: leave one of them out"),
        (("distill", "distill"), 1, "already replaces the model: leave one of them out"),
        (("block", "int8-weight-only"), 1, "int8-weight-only cannot change the layers of block"),
        (("recover", "magnitude"), 1, "magnitude changes what recover works on"),
        (("heads", "channels", "distill"), 2, "distill changes what heads works on"),
    ],
    ids=str,
)
def test_what_cannot_compose_is_told_with_the_reason(
    names: tuple[str, ...], place: int, reason: str
) -> None:
    found = misplaced([registry[name] for name in names])
    assert found is not None
    assert found[0] == place
    assert reason in found[1]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "2:4's kernel needs a GPU with sparse tensor cores; this cell runs on the CPU"),
        ({"hardware": Choice("cuda")}, "2:4's kernel multiplies in bf16, not fp32"),
        ({"hardware": Choice("cuda"), "precision": Choice("bf16")}, None),
        (
            {
                "hardware": Choice("cuda"),
                "compression": (Choice("2:4"), Choice("int8-weight-only")),
            },
            "2:4's kernel multiplies in bf16, not in the format of int8-weight-only",
        ),
    ],
)
def test_the_sparse_kernel_says_where_it_runs(
    make_cell: Callable[..., Cell], host: Host, changes: dict[str, Any], reason: str | None
) -> None:
    chosen = TwoFour(TwoFour.Options(kernel=True))
    assert chosen.unsupported(make_cell(**changes), host) == reason


def test_the_sparse_kernels_layer_keeps_its_zeros_out_of_the_file(tmp_path: Path) -> None:
    """What of it needs no GPU: its file, its bytes, its numbers."""
    shape = SIZES["nano"].shape
    dense = build(shape, Sdpa().mixer, device=torch.device("cpu"))
    plain = TwoFour().apply(copy.deepcopy(dense), RandomText(shape.vocab))
    sparse = TwoFour(TwoFour.Options(kernel=True)).apply(dense, RandomText(shape.vocab))
    sizes = [save(model, tmp_path / "file") for model in (plain, sparse)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.01)
    layers = layers_of([TwoFour])
    again = load(tmp_path / "file", Sdpa().mixer, torch.device("cpu"), layers=layers)
    assert nonzero_count(again) == nonzero_count(plain)
    assert model_bytes(again) < 0.7 * model_bytes(plain)


@pytest.mark.parametrize(
    ("operator", "alike"),
    [
        (Choice("sdpa"), True),
        (Choice("gpt3"), False),
        (Choice("bytenet"), False),
        (Choice("pattern", (("pattern", ("sdpa", "banded")),)), False),
    ],
    ids=str,
)
def test_only_layers_that_are_alike_are_shared(
    make_cell: Callable[..., Cell], host: Host, operator: Choice, alike: bool
) -> None:
    """Whatever operators there will be: they tell by their cycle."""
    model = Choice("decoder", (("d_model", 64), ("heads", 2), ("layers", 4)))
    cell = make_cell(model=model, operator=operator, compression=(Choice("share-layers"),))
    obstacle = Feasibility(host, registered()).obstacle(cell, Limits())
    assert (obstacle is None) == alike
    if obstacle is not None:
        assert "share-layers needs layers that are alike" in obstacle[1]
