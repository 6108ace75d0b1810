"""A cell's identity: the same everywhere, and made of nothing but its content."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.domain.axis import AXES
from harness.domain.cell import WORKLOAD, Cell, Choice, Option, label

MakeCell = Callable[..., Cell]

scalars = st.one_of(
    st.text(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans()
)
options: st.SearchStrategy[Option] = st.one_of(scalars, st.lists(scalars, max_size=3).map(tuple))
choices = st.builds(
    lambda name, chosen, label: Choice(name, tuple(sorted(chosen.items())), label),
    st.text(min_size=1),
    st.dictionaries(st.text(), options, max_size=3),
    st.text(),
)
compositions = st.lists(choices, max_size=3).map(tuple)
cells = st.builds(
    Cell,
    model=choices,
    hardware=choices,
    scenario=choices,
    parallelism=compositions,
    compression=compositions,
    operator=choices,
    precision=choices,
    backend=choices,
    workload=st.dictionaries(st.sampled_from(WORKLOAD), st.integers(1)).map(
        lambda load: tuple(sorted(load.items()))
    ),
)


def test_an_id_never_changes(make_cell: MakeCell) -> None:
    """Results of years are found by it: should this fail, old databases have become strangers."""
    cell = make_cell(
        model=Choice("shape", (("d_model", 768), ("heads", 12), ("layers", 12))),
        compression=(Choice("prune", (("pattern", (2, 4)),)), Choice("int8-dynamic")),
        workload=(("batch", 1), ("prompt", 512)),
    )
    assert cell.id == "3040d8988294936b"


@given(cells)
def test_a_cell_is_made_again_from_its_json(cell: Cell) -> None:
    """Through text, with its labels and its id."""
    again = Cell.from_json(json.loads(json.dumps(cell.to_json())))
    assert again == cell
    assert again.id == cell.id
    assert again.to_json() == cell.to_json()
    assert again.labels == cell.labels


@given(cells, st.text())
def test_a_label_is_no_part_of_the_identity(cell: Cell, other: str) -> None:
    """A size by name and the same shape by hand are one cell."""
    named = cell.replace(model=replace(cell.model, label=other))
    assert named == cell
    assert named.id == cell.id


@pytest.mark.parametrize("axis", AXES)
def test_every_axis_is_part_of_the_identity(make_cell: MakeCell, axis: str) -> None:
    other = Choice("other")
    composed = axis in {"parallelism", "compression"}
    assert make_cell(**{axis: (other,) if composed else other}).id != make_cell().id


def test_the_workload_is_part_of_the_identity(make_cell: MakeCell) -> None:
    assert make_cell(workload=(("batch", 2), ("prompt", 8))).id != make_cell().id


def test_options_are_part_of_the_identity(make_cell: MakeCell) -> None:
    ids = {
        make_cell(operator=Choice("window", chosen)).id
        for chosen in ((), (("size", 1),), (("size", 2),), (("size", "1"),), (("size", True),))
    }
    assert len(ids) == 5


def test_the_order_of_a_composition_is_part_of_the_identity(make_cell: MakeCell) -> None:
    """Pruned, then quantised, is another model than the other way round."""
    one, other = Choice("prune"), Choice("int8")
    assert make_cell(compression=(one, other)).id != make_cell(compression=(other, one)).id


def test_an_id_is_sixteen_hexadecimal_digits(make_cell: MakeCell) -> None:
    assert len(make_cell().id) == 16
    assert int(make_cell().id, 16) >= 0


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Choice("sdpa"), "sdpa"),
        (Choice("cpu", (("threads", 2),)), "cpu(threads=2)"),
        (Choice("prune", (("pattern", (2, 4)), ("share", 0.5))), "prune(pattern=2/4, share=0.5)"),
        (Choice("shape", (("layers", 12),), label="gpt3-small"), "gpt3-small"),
        ((), "none"),
        ((Choice("prune"), Choice("int8")), "prune + int8"),
    ],
)
def test_a_choice_is_said_as_people_read_it(value: Choice | tuple[Choice, ...], said: str) -> None:
    assert said == label(value)


def test_a_cell_is_said_in_a_line(make_cell: MakeCell) -> None:
    cell = make_cell(model=Choice("shape", (("layers", 2),), label="nano"))
    assert str(cell) == "nano local prefill none none sdpa fp32 eager batch=1 prompt=8"


def test_the_workload_can_be_asked_by_key(make_cell: MakeCell) -> None:
    assert make_cell().load == {"batch": 1, "prompt": 8}
