"""Operators mixed by layer, as a spec says it; over what is really registered."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from harness.domain.cell import Cell, Choice
from harness.domain.result import Status
from harness.domain.run import Host
from harness.errors import SpecError
from harness.model.shape import Shape
from harness.operators.pattern import Pattern
from harness.plan.feasible import Feasibility
from harness.spec.catalog import registered
from harness.spec.json_schema import json_schema
from harness.spec.load import read_spec
from harness.spec.narrow import narrow, parse_only
from harness.spec.settings import Limits
from harness.spec.spec import Spec


def read(operator: str, scenario: str = "prefill") -> Spec:
    text = f"""matrix:
  model: nano
  scenario: {scenario}
  operator: {operator}
workload: {{prompt: 8, generate: 2}}
"""
    return read_spec("s.yaml", text, (), registered())


def chosen(operator: str) -> list[Choice]:
    return [cell.operator for cell in read(operator).cells]


@pytest.mark.parametrize(
    ("operator", "label"),
    [
        ("{pattern: [sdpa, banded]}", "sdpa/banded"),
        ("{pattern: [sdpa, banded], window: 128}", "sdpa/banded(window=128)"),
        ("{pattern: [sdpa, banded], window: 256}", "sdpa/banded"),
        ("{name: pattern, pattern: [linear, sdpa]}", "linear/sdpa"),
        (
            "{pattern: [sdpa, linear], chunk: 8, features: relu}",
            "sdpa/linear(chunk=8, features=relu)",
        ),
        ("{pattern: [math, bytenet], dilations: [1, 3]}", "math/bytenet(dilations=1/3)"),
        ("{pattern: [linear, lowmem], chunk: 64}", "linear/lowmem(chunk=64)"),
    ],
)
def test_a_pattern_reads_as_its_operators_and_their_options(operator: str, label: str) -> None:
    """An option at the default of all that have it is left out, as ever."""
    assert [label] == [str(one) for one in chosen(operator)]


def test_a_pattern_is_the_same_cell_however_it_is_written() -> None:
    """And comes back from the store as it was."""
    long, short = (
        read(one).cells[0]
        for one in (
            "{name: pattern, pattern: [sdpa, banded], window: 256}",
            "{pattern: [sdpa, banded]}",
        )
    )
    assert long.id == short.id
    assert str(Cell.from_json(long.to_json())) == str(long)
    assert Cell.from_json(long.to_json()).id == long.id


def test_options_that_are_lists_multiply() -> None:
    labels = [str(one) for one in chosen("{pattern: [sdpa, banded], window: [4, 8]}")]
    assert labels == ["sdpa/banded(window=4)", "sdpa/banded(window=8)"]


def test_options_go_to_the_operators_that_have_them() -> None:
    (choice,) = chosen("{pattern: [linear, lowmem, banded], chunk: 7, window: 5}")
    linear, lowmem, banded = Pattern.of(choice).parts
    assert (linear.options.chunk, lowmem.options.chunk) == (7, 7)
    assert (banded.options.window, banded.options.block) == (5, 64)


def test_the_layers_of_a_dilated_operator_go_on_where_the_last_one_stopped() -> None:
    """As if the others were not between them."""
    (choice,) = chosen("{pattern: [sdpa, bytenet], dilations: [1, 2, 4]}")
    shape = Shape(layers=12, d_model=8, heads=2)
    mixed = Pattern.of(choice)
    reach = [mixed.state_bytes(shape, layer, 1, 64, 4) / (2 * 4 * 4) for layer in range(1, 12, 2)]
    assert reach == [1, 2, 4, 1, 2, 4]


@pytest.mark.parametrize(
    ("operator", "told"),
    [
        ("{pattern: [sdpa, bnded]}", "4:30: unknown operator 'bnded'; did you mean 'banded'?"),
        (
            "{pattern: [sdpa, banded], windw: 4}",
            "4:39: unknown key 'windw'; did you mean 'window'? (possible: block, pattern, window)",
        ),
        (
            "{pattern: [sdpa, math], window: 4}",
            "4:37: unknown key 'window' (possible: pattern)",
        ),
        (
            "{pattern: [sdpa, banded], window: 1}",
            "4:47: window should be greater than or equal to 2, found 1",
        ),
        ("{pattern: sdpa}", "4:23: a pattern should be a list of at least two operators, found"),
        ("{pattern: [sdpa]}", "4:23: a pattern should be a list of at least two operators, found"),
        ("{pattern: [sdpa, pattern]}", "4:30: a pattern cannot contain another pattern"),
        (
            "{pattern: [sdpa, {name: banded, window: 4}]}",
            "4:30: in a pattern, an operator should be a name, found a mapping",
        ),
        ("pattern", "4:13: the key 'pattern' is missing"),
        ("{name: banded, pattern: [sdpa, math]}", "4:28: unknown key 'pattern'"),
    ],
)
def test_a_wrong_pattern_is_told_with_its_place(operator: str, told: str) -> None:
    with pytest.raises(SpecError) as caught:
        read(operator)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"s.yaml:{told}")


def test_only_finds_a_pattern_by_what_the_plan_prints() -> None:
    spec = read("[sdpa, {pattern: [sdpa, banded], window: [4, 8]}, {pattern: [sdpa, linear]}]")

    def kept(only: str) -> list[str]:
        (one,) = narrow([spec], parse_only([f"operator={only}"]))
        return [str(cell.operator) for cell in one.cells]

    assert kept("sdpa/banded(window=4)") == ["sdpa/banded(window=4)"]
    assert kept("sdpa/banded") == ["sdpa/banded(window=4)", "sdpa/banded(window=8)"]
    assert kept("sdpa,sdpa/linear") == ["sdpa", "sdpa/linear"]
    assert len(kept("pattern")) == 3


def test_what_a_part_cannot_do_the_pattern_cannot(host: Host) -> None:
    """Nano has two heads; on a processor flex_attention cannot be trained."""
    feasible = Feasibility(host, registered())
    (grouped,) = read("{pattern: [sdpa, gqa], groups: 3}").cells
    (flex,) = read("{pattern: [sdpa, flex]}", "train").cells
    assert feasible.obstacle(grouped, Limits()) == (
        Status.UNSUPPORTED,
        "sdpa/gqa(groups=3): groups 3 does not divide the model's 2 heads",
    )
    obstacle = feasible.obstacle(flex, Limits())
    assert obstacle is not None
    assert "no backward pass on CPU" in obstacle[1]


@pytest.mark.parametrize(
    ("operator", "right"),
    [
        ("{pattern: [sdpa, banded]}", True),
        ("[sdpa, {name: pattern, pattern: [sdpa, banded], window: [64, 128]}]", True),
        ("{pattern: [linear, lowmem], chunk: 8, features: relu}", True),
        ("{pattern: [math, bytenet], dilations: [1, 3]}", True),
        ("{pattern: [sdpa]}", False),
        ("{pattern: [sdpa, pattern]}", False),
        ("{pattern: [sdpa, banded], windw: 1}", False),
        ("{name: banded, pattern: [sdpa, banded]}", False),
        ("pattern", False),
    ],
)
def test_the_json_schema_knows_patterns(operator: str, right: bool) -> None:
    text = f"matrix: {{model: nano, scenario: prefill, operator: {operator}}}"
    validator = Draft202012Validator(json_schema())
    assert validator.is_valid(YAML(typ="safe").load(text)) is right
