"""`zip`, by which keys advance together, and `scaling: weak`, by which batch follows the ranks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.spec.narrow import narrow, parse_only
from harness.spec.spec import Spec

Read = Callable[..., Spec]
Faults = Callable[..., list[str]]

HEAD = "matrix:\n  model: nano\n  scenario: [prefill, decode]\n"
LOAD = "workload: {prompt: 8, generate: 2}\n"
RANKS = "[none, {data: 2}, {data: 4}]"
ZIP = f"zip: [{{parallelism: {RANKS}, batch: [8, 16, 32]}}]\n"
LONG = [*range(1, 501)]
EAGER, FP32, SDPA = (f"[{', '.join([name] * 500)}]" for name in ("eager", "fp32", "sdpa"))
WEAK = f"  parallelism: {RANKS}\nscaling: weak\n"


def said(spec: Spec) -> list[str]:
    """Of each cell of prefill what it is split over, and its batch."""
    return [
        f"{cell.labels['parallelism']} {cell.load['batch']}"
        for cell in spec.cells
        if cell.scenario.name == "prefill"
    ]


def compared(spec: Spec) -> dict[str, str]:
    """The same, by cell, of what it is compared with."""
    names = dict(zip((cell.id for cell in spec.cells if cell.scenario.name == "prefill"), said(spec), strict=True))  # fmt: skip
    return {name: names[spec.baseline[cell]] for cell, name in names.items() if cell in spec.baseline}  # fmt: skip


def test_linked_keys_advance_together_and_multiply_with_the_rest(read: Read) -> None:
    spec = read(HEAD + "  precision: [fp32, bf16]\n" + ZIP + LOAD)
    assert said(spec) == [pair for pair in ("none 8", "data=2 16", "data=4 32") for _ in "12"]
    assert len(spec.cells) == 2 * 2 * 3


def test_a_list_within_a_value_counts_as_its_values(read: Read) -> None:
    """As it does in the matrix."""
    text = "zip: [{parallelism: {data: [1, 2, 4]}, batch: [8, 16, 32]}]\n"
    assert said(read(HEAD + text + LOAD)) == ["data=1 8", "data=2 16", "data=4 32"]


def test_two_links_multiply_with_each_other(read: Read) -> None:
    text = ZIP.replace("]\n", ", {precision: [fp32, bf16], prompt: [8, 16]}]\n")
    spec = read(HEAD + text + "workload: {generate: 2}\n")
    pairs = {(cell.precision.name, cell.load["prompt"]) for cell in spec.cells}
    assert pairs == {("fp32", 8), ("bf16", 16)}
    assert len(spec.cells) == 2 * 3 * 2


def test_required_axes_may_be_linked(read: Read) -> None:
    text = "matrix: {precision: fp32}\nzip: [{model: [nano, small], scenario: [prefill, decode]}]\n"
    spec = read(text + LOAD)
    pairs = [(cell.labels["model"], cell.labels["scenario"]) for cell in spec.cells]
    assert pairs == [("nano", "prefill"), ("small", "decode")]


def test_a_key_that_the_scenario_does_not_use_is_left_out(read: Read) -> None:
    """Prefill generates nothing: its points that differ in that alone are one cell."""
    spec = read(HEAD + "zip: [{prompt: [8, 8, 16], generate: [2, 4, 4]}]\n")
    loads = [(cell.scenario.name, *cell.load.values()) for cell in spec.cells]
    assert loads == [
        ("prefill", 1, 8),
        ("prefill", 1, 16),
        ("decode", 1, 2, 8),
        ("decode", 1, 4, 8),
        ("decode", 1, 4, 16),
    ]


def test_excludes_and_only_take_out_linked_cells(read: Read) -> None:
    spec = read(HEAD + ZIP + LOAD + "exclude: [{parallelism: {data: 2}}, {batch: 8}]\n")
    assert said(spec) == ["data=4 32"]
    (narrowed,) = narrow([read(HEAD + ZIP + LOAD)], parse_only(["batch=16,32"]))
    assert said(narrowed) == ["data=2 16", "data=4 32"]


def test_nothing_in_an_include_is_linked(read: Read) -> None:
    """What it does not name takes the first value."""
    spec = read(HEAD + ZIP + LOAD + "include: [{parallelism: {data: 4}}, {batch: [16, 32]}]\n")
    assert said(spec)[3:] == ["data=4 8", "none 16", "none 32"]


def test_a_baseline_names_all_that_is_linked(read: Read) -> None:
    spec = read(HEAD + ZIP + LOAD + "baseline: {parallelism: none, batch: 8}\n")
    assert compared(spec) == dict.fromkeys(said(spec), "none 8")


def test_set_changes_links(read: Read) -> None:
    given = "zip=[{parallelism: [none, {data: 3}], batch: [1, 3]}]"
    assert said(read(HEAD + ZIP + LOAD, given)) == ["none 1", "data=3 3"]
    assert said(read(HEAD + ZIP + LOAD, "zip=[]", "workload.batch=4")) == ["none 4"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            "zip: [{parallelism: [none, {data: 2}, {data: 4}], batch: [8, 16]}]",
            ["4:7: linked keys need the same number of values: parallelism has 3, batch has 2"],
        ),
        (
            "zip: [{batch: [1, 2], scenario: [prefill, decode]}]",
            ["4:23: scenario is also in matrix: give its values in one place"],
        ),
        (
            "zip: [{batch: [1, 2], prompt: [8, 9]}]",
            ["4:23: prompt is also in workload: give its values in one place"],
        ),
        (
            "zip: [{batch: [1, 2], precision: [fp32, bf16]}, {batch: [1, 2], operator: [sdpa, window]}]",
            ["4:50: batch is also in an earlier entry of zip: give its values in one place"],
        ),
        ("zip: [{batch: [1, 2]}]", ["4:7: batch is linked with nothing: name two keys or more"]),
        ("zip: [{}]", ["4:7: an empty entry names no cells"]),
        ("zip: {batch: [1], precision: [fp32]}", ["4:6: zip should be a list, found a mapping"]),
        ("zip: [3]", ["4:7: zip should be a mapping of keys to values, found 3"]),
        (
            "zip: [{batch: [1, 2], precison: [fp32, bf16]}]",
            [
                "4:23: unknown key 'precison'; did you mean 'precision'? (possible: backend, batch, compression, generate, hardware, model, operator, parallelism, precision, prompt, scenario)"
            ],
        ),
        (
            "zip: [{batch: [1, 2], precision: [fp32, fp16]}]",
            ["4:41: unknown precision 'fp16'; did you mean 'bf16'? (possible: bf16, fp32)"],
        ),
        ("zip: [{batch: [], precision: [fp32]}]", ["4:15: there is no value: give at least one"]),
        (
            "zip: [{batch: [1, 2], precision: [fp32, bf16]}]\nbaseline: {precision: fp32}",
            ["5:12: precision is linked in zip: name batch too"],
        ),
        (
            "zip: [{parallelism: [none, {data: 2}], batch: [1, 3]}]",
            ["4:51: batch 3 does not split evenly over data=2: make it a multiple of 2, or exclude this combination"],
        ),
        (
            f"zip: [{{batch: {LONG}, backend: {EAGER}}}, {{precision: {FP32}, operator: {SDPA}}}]",
            ["2:3: makes 500,000 cells; at most 100,000"],
        ),
        ("scaling: week", ["4:10: scaling should be 'strong' or 'weak', found 'week'"]),
        (
            "scaling: weak\nzip: [{parallelism: [none, {data: 2}], batch: [1, 2]}]",
            ["5:7: scaling: weak links batch with parallelism already: use one of the two"],
        ),
        (
            "scaling: weak\ninclude: [{parallelism: {data: 2}, batch: 1_000_000_000}]",
            ["5:25: scaling: weak makes a batch of 2,000,000,000 with data=2; at most 1,000,000,000"],
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(
    faults: Faults, lines: str, expected: list[str]
) -> None:
    found = faults(HEAD + lines + "\n" + LOAD)
    assert [line.removeprefix("s.yaml:") for line in found] == expected


def test_a_key_that_is_set_beside_its_link_is_refused(faults: Faults) -> None:
    found = faults(HEAD + ZIP + LOAD, "workload.batch=4")
    assert found == ["s.yaml:4:51: batch is also in workload: give its values in one place"]


def test_weak_scaling_is_short_for_a_link(read: Read) -> None:
    """The same cells."""
    weak = read(HEAD + WEAK + LOAD.replace("{", "{batch: 8, "))
    assert {*weak.cells} == {*read(HEAD + ZIP + LOAD).cells}


def test_strong_scaling_is_the_default(read: Read) -> None:
    strong = WEAK.replace("weak", "strong")
    load = LOAD.replace("{", "{batch: 8, ")
    assert said(read(HEAD + strong + load)) == ["none 8", "data=2 8", "data=4 8"]
    assert (
        read(HEAD + strong + load).cells
        == read(HEAD + WEAK.replace("scaling: weak\n", "") + load).cells
    )


def test_each_of_several_batches_is_that_of_a_rank(read: Read) -> None:
    """The ranks are those of all strategies together."""
    text = HEAD + "  parallelism: [none, {data: 2, tensor: 2}]\nscaling: weak\n"
    spec = read(text + LOAD.replace("{", "{batch: [1, 8], "))
    assert said(spec) == ["none 1", "none 8", "data=2 + tensor=2 4", "data=2 + tensor=2 32"]


def test_weak_cells_are_compared_at_the_same_batch_of_a_rank(read: Read) -> None:
    """Wherever the file names a batch, it is a rank's."""
    text = HEAD + WEAK + LOAD.replace("{", "{batch: [8, 16], ")
    spec = read(
        text + "baseline: {parallelism: none}\nexclude: [{parallelism: {data: 4}, batch: 8}]\n"
    )
    assert compared(spec) == {
        "none 8": "none 8",
        "none 16": "none 16",
        "data=2 16": "none 8",
        "data=2 32": "none 16",
        "data=4 64": "none 16",
    }


def test_only_names_the_batch_that_a_cell_has(read: Read) -> None:
    """As the plan prints it."""
    (narrowed,) = narrow([read(HEAD + WEAK + LOAD)], parse_only(["batch=4"]))
    assert said(narrowed) == ["data=4 4"]


def test_a_link_of_something_else_stands_beside_weak_scaling(read: Read) -> None:
    text = WEAK + "zip: [{precision: [fp32, bf16], batch: [4, 8]}]\n"
    spec = read(HEAD + text + LOAD)
    assert said(spec) == ["none 4", "none 8", "data=2 8", "data=2 16", "data=4 16", "data=4 32"]
