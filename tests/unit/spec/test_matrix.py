"""The laws of the matrix: what multiplies, what is left out, what is added."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.domain.axis import AXES
from harness.domain.cell import WORKLOAD, Cell, Choice
from harness.spec.matrix import (
    Link,
    Pattern,
    Value,
    Values,
    baselines,
    combinations,
    distinct,
    expand,
    keys,
    matches,
    scaled,
    size,
    value_of,
)

USED = {"prefill": ("batch", "prompt"), "decode": ("batch", "prompt", "generate")}
COMPOSED = ("parallelism", "compression")


def uses(scenario: Choice) -> Sequence[str]:
    return USED[scenario.name]


def choice(name: str, **options: Any) -> Choice:
    return Choice(name, tuple(sorted(options.items())))


def some(values: st.SearchStrategy[Any], most: int = 3) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, min_size=1, max_size=most, unique=True)


CHOICES = st.builds(choice, st.sampled_from("abc"), degree=st.integers(1, 2))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(AXES, CHOICES),
    **{axis: st.lists(CHOICES, max_size=2).map(tuple) for axis in COMPOSED},
    **{key: st.integers(1, 9) for key in WORKLOAD},
    "scenario": st.sampled_from([choice("prefill"), choice("decode")]),
}


@st.composite
def matrices(draw: st.DrawFn) -> dict[str, list[Any]]:
    """Of any keys, up to five with two values: a law that fails for more fails for these."""
    several = draw(st.sets(st.sampled_from([*VALUES]), max_size=5))
    return {key: draw(some(one, 2 if key in several else 1)) for key, one in VALUES.items()}


MATRICES = matrices()


def patterns_of(matrix: Values) -> st.SearchStrategy[dict[str, list[Value]]]:
    """Patterns that name values which the matrix has."""
    keys = st.lists(st.sampled_from([*AXES, *WORKLOAD]), min_size=1, max_size=3, unique=True)
    return keys.flatmap(
        lambda names: st.fixed_dictionaries(
            {name: some(st.sampled_from([*matrix[name]])) for name in names}
        )
    )


WITH_PATTERNS = MATRICES.flatmap(
    lambda matrix: st.tuples(st.just(matrix), st.lists(patterns_of(matrix), max_size=3))
)


@st.composite
def linked(draw: st.DrawFn) -> tuple[Values, list[Link]]:
    """A matrix, and one or two links of some of its keys, whose values it has."""
    matrix = draw(MATRICES)
    names = draw(st.permutations(keys()))
    first, second = draw(st.tuples(st.integers(2, 3), st.sampled_from([0, 2])))
    groups = [names[:first], names[first : first + second]]
    links: list[Link] = [
        draw(
            st.lists(
                st.fixed_dictionaries({name: VALUES[name] for name in group}),
                min_size=1,
                max_size=3,
            )
        )
        for group in groups
        if group
    ]
    values = {key: [point[key] for point in link] for link in links for key in link[0]}
    return {**matrix, **values}, links


def follows(cell: Cell, link: Link) -> bool:
    """Whether the cell has all values of one point, on the keys that its scenario uses."""
    return any(
        all(value_of(cell, key) in (value, None) for key, value in point.items()) for point in link
    )


@given(linked())
def test_links_leave_of_the_whole_matrix_what_follows_them(
    drawn: tuple[Values, list[Link]],
) -> None:
    """A cell has all values of one point of each link; every such cell is there, once."""
    matrix, links = drawn
    cells = expand(matrix, links, [], [], uses).cells
    whole = expand(matrix, [], [], [], uses).cells
    assert {*cells} == {cell for cell in whole if all(follows(cell, link) for link in links)}
    assert len(cells) == len({cell.id for cell in cells}) <= size(matrix, links)


@given(MATRICES, st.sampled_from(["scenario", "precision", "batch"]))
def test_a_link_of_all_pairs_is_no_link(matrix: Values, one: str) -> None:
    pairs = [
        {one: value, "operator": operator}
        for value in matrix[one]
        for operator in matrix["operator"]
    ]
    whole, of_pairs = (expand(matrix, links, [], [], uses).cells for links in ([], [pairs]))
    assert {*whole} == {*of_pairs}
    assert size(matrix) == size(matrix, [pairs])


@given(MATRICES)
def test_a_batch_grows_with_the_ranks_and_nothing_else_does(matrix: Values) -> None:
    """And no two cells become one."""
    cells = expand(matrix, [], [], [], uses).cells
    both = {cell: scaled(cell, 1 + len(cell.parallelism)) for cell in cells}
    assert len({cell.id for cell in both.values()}) == len(cells)
    for written, cell in both.items():
        assert cell.load["batch"] == written.load["batch"] * (1 + len(cell.parallelism))
        assert cell.replace(written.workload) == written


@given(MATRICES)
def test_every_value_meets_every_other_once(matrix: Values) -> None:
    """The product over the axes, and over the workload keys that each scenario uses."""
    cells = expand(matrix, [], [], [], uses).cells
    per_scenario = [
        math.prod(len(matrix[axis]) for axis in AXES if axis != "scenario")
        * math.prod(len(matrix[key]) for key in uses(scenario))
        for scenario in matrix["scenario"]
        if isinstance(scenario, Choice)
    ]
    assert sum(per_scenario) == len(cells)
    assert len(cells) == len({cell.id for cell in cells})
    assert len(cells) <= size(matrix)


@given(MATRICES)
def test_cells_hold_only_what_their_scenario_uses(matrix: Values) -> None:
    assert all(
        {*cell.load} == {*uses(cell.scenario)} for cell in expand(matrix, [], [], [], uses).cells
    )


@given(WITH_PATTERNS)
def test_an_exclude_leaves_out_what_it_matches_and_nothing_else(
    drawn: tuple[Values, list[Pattern]],
) -> None:
    matrix, exclude = drawn
    whole = expand(matrix, [], [], [], uses).cells
    expected = [cell for cell in whole if not any(matches(cell, one) for one in exclude)]
    assert expected == [*expand(matrix, [], exclude, [], uses).cells]


@given(WITH_PATTERNS)
def test_an_idle_exclude_is_one_that_matches_no_cell(drawn: tuple[Values, list[Pattern]]) -> None:
    matrix, exclude = drawn
    whole = expand(matrix, [], [], [], uses).cells
    expected = [
        index for index, one in enumerate(exclude) if not any(matches(cell, one) for cell in whole)
    ]
    assert expected == [*expand(matrix, [], exclude, [], uses).idle]


@given(WITH_PATTERNS)
def test_an_include_adds_its_cells_whatever_is_excluded(
    drawn: tuple[Values, list[Values]],
) -> None:
    """After the others; what it does not name takes the matrix's first value."""
    matrix, include = drawn
    cells = expand(matrix, [], include, include, uses).cells
    kept = expand(matrix, [], include, [], uses).cells
    assert kept == cells[: len(kept)]
    for one in include:
        whole = {key: one.get(key, values[:1]) for key, values in matrix.items()}
        assert {*combinations(whole, [], uses)} <= {*cells}
        assert all(
            value_of(cell, key) in (None, matrix[key][0])
            for cell in combinations(whole, [], uses)
            for key in matrix
            if key not in one
        )


@given(MATRICES)
def test_including_what_is_there_changes_nothing(matrix: Values) -> None:
    whole = expand(matrix, [], [], [], uses)
    assert whole == expand(matrix, [], [], [{}, matrix], uses)


@given(MATRICES, st.randoms())
def test_the_same_point_has_the_same_id_however_the_matrix_is_ordered(
    matrix: Mapping[str, list[Value]], random: Any
) -> None:
    keys = list(matrix)
    random.shuffle(keys)
    shuffled = {key: random.sample(matrix[key], len(matrix[key])) for key in keys}
    first, second = (expand(one, [], [], [], uses).cells for one in (matrix, shuffled))
    assert {cell.id for cell in first} == {cell.id for cell in second}


@given(MATRICES)
def test_a_cell_survives_its_json(matrix: Values) -> None:
    """With its id: what is stored is the same cell."""
    for cell in expand(matrix, [], [], [], uses).cells[:20]:
        again = Cell.from_json(cell.to_json())
        assert (cell, cell.id) == (again, again.id)


@given(MATRICES, st.data())
def test_a_baseline_differs_only_where_it_is_named(matrix: Values, data: st.DataObject) -> None:
    """Every cell of a whole matrix has one, and it is its own baseline's baseline."""
    keys = [key for key in (*AXES, *WORKLOAD) if key != "scenario"]
    named = data.draw(st.lists(st.sampled_from(keys), min_size=1, max_size=3, unique=True))
    baseline = {key: data.draw(st.sampled_from([*matrix[key]])) for key in named}
    cells = {cell.id: cell for cell in expand(matrix, [], [], [], uses).cells}
    found = baselines(cells.values(), baseline)
    assert {*found} == {*cells}
    for cell_id, base_id in found.items():
        cell, base = cells[cell_id], cells[base_id]
        assert found[base_id] == base_id
        for key in (*AXES, *WORKLOAD):
            expected = baseline.get(key, value_of(cell, key))
            assert value_of(base, key) in (expected, None)


def test_without_a_baseline_nothing_is_compared() -> None:
    assert baselines([], {}) == {}


def test_a_cell_whose_baseline_is_excluded_has_none() -> None:
    matrix: dict[str, Any] = {
        **{axis: [choice("a")] for axis in AXES},
        **{axis: [()] for axis in COMPOSED},
        "scenario": [choice("prefill")],
        "precision": [choice("fp32"), choice("bf16")],
        "operator": [choice("a"), choice("b")],
        **{key: [1] for key in WORKLOAD},
    }
    exclude = [{"precision": [choice("fp32")], "operator": [choice("b")]}]
    cells = expand(matrix, [], exclude, [], uses).cells
    found = baselines(cells, {"precision": choice("fp32")})
    by_id = {cell.id: (cell.operator.name, cell.precision.name) for cell in cells}
    assert {by_id[cell]: by_id[base] for cell, base in found.items()} == {
        ("a", "fp32"): ("a", "fp32"),
        ("a", "bf16"): ("a", "fp32"),
    }


def test_equal_cells_count_once_and_the_first_stands() -> None:
    """Labels are for people and no part of the identity."""
    named, plain = (
        Cell(
            model=Choice("decoder", (), text),
            hardware=choice("a"),
            scenario=choice("a"),
            parallelism=(),
            compression=(),
            operator=choice("a"),
            precision=choice("a"),
            backend=choice("a"),
            workload=(("batch", 1),),
        )
        for text in ("nano", "")
    )
    (cell,) = distinct([named, plain])
    assert str(cell.model) == "nano"
