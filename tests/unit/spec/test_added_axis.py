"""An axis and an option that are added move no id: the seam by which outside packages add axes.

The axis is that of tests/plugins/outside/outside_axis.py.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import Field

from harness import operators
from harness.domain.axis import AXES, Axis
from harness.domain.cell import Cell, Choice
from harness.domain.naming import short_names
from harness.domain.result import Status
from harness.domain.run import Host
from harness.errors import PluginError, SpecError
from harness.plan.feasible import Feasibility
from harness.spec.axis_grammars import GRAMMARS, add_axis
from harness.spec.catalog import ADDED, Catalog
from harness.spec.json_schema import json_schema
from harness.spec.load import read_spec
from harness.spec.narrow import narrow, parse_only
from harness.spec.reader import read_yaml
from harness.spec.settings import Limits
from harness.spec.spec import Spec
from tests.unit.spec.test_ids import recorded, shipped

MODULE = Path(__file__).parents[2] / "plugins" / "outside" / "outside_axis.py"
TABLES: tuple[dict[str, Any], ...] = (AXES, GRAMMARS, ADDED)


@pytest.fixture
def table() -> Iterator[None]:
    """The tables, which are as they were afterwards."""
    before = [dict(one) for one in TABLES]
    yield
    for one, rows in zip(TABLES, before, strict=True):
        one.clear()
        one.update(rows)


@pytest.fixture
def affinity(table: None) -> None:
    """The outside package's module is imported, as its entry point does."""
    spec = importlib.util.spec_from_file_location("outside_axis", MODULE)
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


@pytest.fixture
def read_with(catalog: Catalog, affinity: None) -> Callable[[str], Spec]:
    """The spec of a text, with the small catalog and the axis."""
    return lambda text: read_spec("s.yaml", text, [], replace(catalog, added=ADDED))


def text(value: str, more: str = "") -> str:
    return (
        f"matrix:\n  model: nano\n  scenario: prefill\n  affinity: {value}\n"
        f"workload: {{prompt: 8}}\n{more}"
    )


PINNED = Choice("pinned", (("first", 2),))


def test_an_added_axis_moves_no_id_of_a_shipped_cell(affinity: None) -> None:
    """Neither the ids nor what the cells are called."""
    assert shipped() == recorded()


def test_an_added_option_moves_no_id_of_a_shipped_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = operators.registry["sdpa"]

    class More(plain.Options):  # type: ignore[name-defined,misc]  # the class is a value here
        shiny: bool = Field(False, description="new")

    monkeypatch.setattr(plain, "Options", More)
    assert plain.of(Choice("sdpa", (("shiny", True),))).options.shiny
    assert shipped() == recorded()


def test_it_is_read_and_multiplies(read_with: Callable[[str], Spec]) -> None:
    """With options, which multiply too."""
    spec = read_with(text("[free, {name: pinned, first: [0, 2]}]"))
    values = [cell["affinity"] for cell in spec.cells]
    assert values == [Choice("free"), Choice("pinned"), PINNED]


def test_the_default_goes_without_saying(
    read_with: Callable[[str], Spec], read: Callable[[str], Spec]
) -> None:
    """Named or not, it is the same cell, by id and by equality; another value is another cell."""
    (named,) = read_with(text("free")).cells
    (other,) = read_with(text("{name: pinned}")).cells
    (unnamed,) = read_with(text("free").replace("  affinity: free\n", "")).cells
    assert (named, named.id) == (unnamed, unnamed.id)
    assert named["affinity"] == Choice("free")
    assert other.id != named.id
    assert "affinity" not in named.to_json()


def test_it_is_in_labels_and_names(read_with: Callable[[str], Spec]) -> None:
    cells = read_with(text("[free, {name: pinned, first: 2}]")).cells
    assert [cell.labels["affinity"] for cell in cells] == ["free", "pinned(first=2)"]
    assert [*short_names(cells).values()] == ["free", "pinned(first=2)"]
    assert str(cells[0]) == "nano local prefill none none sdpa fp32 eager batch=1 prompt=8"
    assert "eager pinned(first=2) batch=1" in str(cells[1])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("pined", "4:13: unknown affinity 'pined'; did you mean 'pinned'? (possible: free, pinned)"),
        ("{name: pinned, frist: 1}", "4:28: unknown key 'frist'; did you mean 'first'? (possible: first, name)"),
        ("{name: pinned, first: -1}", "4:35: first should be greater than or equal to 0, found -1"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused(
    read_with: Callable[[str], Spec], value: str, expected: str
) -> None:
    with pytest.raises(SpecError) as caught:
        read_with(text(value))
    assert str(caught.value) == f"s.yaml:{expected}"


def test_a_misspelt_key_is_refused_with_its_name(read_with: Callable[[str], Spec]) -> None:
    with pytest.raises(SpecError, match="unknown key 'afinity'; did you mean 'affinity'"):
        read_with(text("free").replace("affinity", "afinity"))


def test_excludes_includes_baselines_and_only_know_it(read_with: Callable[[str], Spec]) -> None:
    more = (
        "exclude: [{affinity: pinned, precision: bf16}]\n"
        "include: [{affinity: {name: pinned, first: 2}, batch: 4}]\n"
        "baseline: {affinity: free}\n"
    )
    spec = read_with(text("[free, pinned]\n  precision: [fp32, bf16]", more))
    said = [(str(cell["affinity"]), cell.precision.name) for cell in spec.cells]
    assert said == [
        ("free", "fp32"),
        ("pinned", "fp32"),
        ("free", "bf16"),
        ("pinned(first=2)", "fp32"),
    ]
    free, pinned, _, _ = (cell.id for cell in spec.cells)
    assert spec.baseline[pinned] == free
    (narrowed,) = narrow([spec], parse_only(["affinity=pinned"]))
    assert narrowed.cells == (spec.cells[1], spec.cells[3])


def test_editors_know_it(catalog: Catalog, affinity: None) -> None:
    """Its values, its default and what it is."""
    schema = json_schema(replace(catalog, added=ADDED))
    row = schema["$defs"]["Matrix"]["properties"]["affinity"]
    assert row["default"] == "free"
    assert row["description"].startswith("on which cores")
    validator = Draft202012Validator(schema)
    for value, good in (("{name: pinned, first: [1, 2]}", True), ("pined", False)):
        assert validator.is_valid(read_yaml(text(value), "s.yaml").value) is good


def test_an_entry_says_what_it_cannot_do(
    read_with: Callable[[str], Spec], catalog: Catalog, host: Host
) -> None:
    feasibility = Feasibility(host, replace(catalog, added=ADDED))
    spec = read_with(text("[free, pinned, {name: pinned, first: 2}]"))
    assert [feasibility.obstacle(cell, Limits()) for cell in spec.cells] == [
        None,
        None,
        (Status.UNSUPPORTED, "pinned(first=2): this host's last core is 1"),
    ]


def test_a_cell_stored_before_the_axis_has_its_default(
    make_cell: Callable[..., Cell], affinity: None
) -> None:
    stored = json.loads(json.dumps(make_cell().to_json()))
    assert "affinity" not in stored
    cell = Cell.from_json(stored)
    assert cell["affinity"] == Choice("free")
    assert cell.id == make_cell().id


def test_a_cell_outlives_the_package_that_added_its_axis(make_cell: Callable[..., Cell]) -> None:
    """Without the axis in the table it keeps its value and its id."""
    cell = Cell.from_json(make_cell(affinity=PINNED).to_json())
    assert cell.labels["affinity"] == "pinned(first=2)"
    assert cell.id == make_cell(affinity=PINNED).id != make_cell().id
    assert cell.replace(operator=Choice("math"))["affinity"] == PINNED


def test_values_are_held_in_one_order(make_cell: Callable[..., Cell], affinity: None) -> None:
    """However a cell is made, it is equal to itself."""
    assert make_cell().replace(affinity=PINNED) == make_cell(affinity=PINNED)
    assert make_cell(affinity=PINNED).replace(affinity=Choice("free")) == make_cell()


@pytest.mark.parametrize("name", ["model", "batch", "workload"])
def test_a_name_that_is_taken_is_refused(table: None, name: str) -> None:
    with pytest.raises(
        PluginError,
        match=f"^an axis or workload key is called '{name}' already: choose another name$",
    ):
        add_axis(Axis(name, "", default="free"), {})


def test_a_default_that_is_no_entry_is_refused(table: None) -> None:
    with pytest.raises(
        PluginError,
        match=r"^the default of the axis 'affinity' is 'free', which is not one of its entries$",
    ):
        add_axis(Axis("affinity", "", default="free"), {})


def test_an_added_axis_needs_a_default() -> None:
    """Cells that were measured before would have no value."""
    with pytest.raises(ValueError, match="'affinity' needs a default"):
        Axis("affinity", "")
    with pytest.raises(ValueError, match="'affinity' is composed: its default must be 'none'"):
        Axis("affinity", "", default="free", composed=True)


def test_a_cell_needs_a_value_of_every_original_axis() -> None:
    with pytest.raises(KeyError, match="model"):
        Cell(workload=())
