"""What selects a single cell, written as the spec's file writes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.spec.load import load
from harness.spec.selectors import selectors

SEED = Path(__file__).parents[2] / "fuzz" / "seeds" / "axes.yaml"
SPECS = sorted((Path(__file__).parents[3] / "specs").glob("*.yaml"))
MODELS = """\
matrix:
  model: [{name: nano, vocab: [256, 512]}, {layers: [1, 2], d_model: 8, heads: 2, context: [64, 128]}]
  hardware: [local, {device: cpu, threads: [1, 2]}]
  scenario: prefill
  operator: [sdpa, {name: bytenet, dilations: [1, 2]}, {pattern: [sdpa, banded], window: [4, 8]}]
workload: {prompt: 8}
"""
COMPOSED = """\
matrix:
  model: nano
  scenario: prefill
  parallelism: [none, {data: [2, 4]}, {tensor: {degree: [2], sequence: true}, oversubscribe: true}]
  compression: [none, int8-dynamic, [{name: magnitude, fraction: [0.25, 0.5]}, int8-dynamic]]
workload: {batch: 4, prompt: 8}
"""
WEAK = """\
matrix: {model: nano, scenario: train, parallelism: [none, {data: [2, 4]}]}
scaling: weak
workload: {batch: [1, 2], prompt: 8}
"""
LINKED = """\
zip: [{parallelism: [none, {data: 2}], batch: [1, 2]}]
matrix: {model: nano, scenario: [prefill, decode]}
include: [{scenario: train, precision: bf16}]
workload: {prompt: [8, 16], generate: 2}
"""


def selects_one(text: str, found: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
    """Each entry, put into the spec, selects its own cell and no other."""
    file = folder / "with.yaml"
    entries = [{**values, "required": True} for values in found.values()]
    file.write_text(f"{text}\nexpect: {json.dumps(entries)}\n")
    (spec,) = load([file])
    assert [one.cells for one in spec.expectations] == [frozenset([cell]) for cell in found]
    assert {*found} == {cell.id for cell in spec.cells}


@pytest.mark.parametrize(
    "text",
    [MODELS, COMPOSED, WEAK, LINKED, SEED.read_text()],
    ids=["models", "composed", "weak", "linked", "axes"],
)
def test_every_cell_of_a_spec_can_be_selected_alone(text: str, tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(text)
    selects_one(text, selectors(str(file)), tmp_path)


@pytest.mark.parametrize("file", SPECS, ids=lambda file: file.stem)
def test_every_cell_of_a_shipped_spec_can_be_selected_alone(file: Path, tmp_path: Path) -> None:
    selects_one(file.read_text(), selectors(str(file)), tmp_path)


def test_what_does_not_vary_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(LINKED.replace("include", "prices: {local: 1}\n#"))
    assert list(selectors(str(file)).values())[:2] == [
        {"scenario": "prefill", "parallelism": "none", "batch": 1, "prompt": 8},
        {"scenario": "prefill", "parallelism": "none", "batch": 1, "prompt": 16},
    ]


def test_a_lone_cell_needs_no_values(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("matrix: {model: nano, scenario: prefill}\nworkload: {prompt: 8}\n")
    assert list(selectors(str(file)).values()) == [{}]
