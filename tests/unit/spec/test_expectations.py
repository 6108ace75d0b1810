"""The block `expect`: which cells an entry selects, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.domain.expectation import Bound, Expectation
from harness.domain.result import Status
from harness.metrics import registry
from harness.spec.load import load
from harness.spec.spec import Spec

Read = Callable[..., Spec]
Faults = Callable[..., list[str]]

METRICS = "latency, mfu, peak_memory, tpot"
STATUSES = "crashed, failed, ok, out of memory, skipped, timed out, unsupported"
HOST = "write the beginning of a fingerprint, in quotes, or a word of the processor's name"
NOTHING = "this entry expects nothing: write a metric with min or max, a status, or required: true"
TIME = "write a number in s, or with a unit (s, ms, us, µs, ns, m, h)"


def spec(entry: str, more: str = "") -> str:
    return (
        f"expect:\n  - {entry}\n"
        "matrix: {model: nano, scenario: [prefill, decode], precision: [fp32, bf16]}\n"
        f"workload: {{prompt: [8, 16], generate: 2}}\n{more}"
    )


def only(read: Read, entry: str, more: str = "") -> tuple[Spec, Expectation]:
    found = read(spec(entry, more))
    (expectation,) = found.expectations
    return found, expectation


def test_an_entry_without_values_is_about_every_cell(read: Read) -> None:
    found, expectation = only(read, "{required: true}")
    assert expectation.cells == {cell.id for cell in found.cells}
    assert len(found.cells) == 8


def test_an_entry_selects_cells_as_an_exclude_does(read: Read) -> None:
    """By every key that it names; a list means any of its values."""
    entry = "{scenario: decode, precision: [fp32, bf16], prompt: 16, metric: tpot, max: 15ms}"
    found, expectation = only(read, entry)
    selected = [cell for cell in found.cells if cell.id in expectation.cells]
    assert {(cell.scenario.name, cell.load["prompt"]) for cell in selected} == {("decode", 16)}
    assert len(selected) == 2


def test_an_entry_selects_what_an_include_adds(read: Read) -> None:
    more = "include: [{scenario: train, batch: 4}]\n"
    found, expectation = only(read, "{scenario: train, required: true}", more)
    (cell,) = [cell for cell in found.cells if cell.scenario.name == "train"]
    assert expectation.cells == {cell.id}


def test_with_weak_scaling_a_batch_is_that_of_one_rank(read: Read) -> None:
    found = read(
        "expect: [{batch: 2, parallelism: {data: 2}, required: true}]\nscaling: weak\n"
        "matrix: {model: nano, scenario: prefill, parallelism: [none, {data: 2}]}\n"
        "workload: {prompt: 8, batch: 2}\n"
    )
    (cell,) = [cell for cell in found.cells if cell.load["batch"] == 4]
    assert found.expectations[0].cells == {cell.id}


def test_an_entry_keeps_what_it_claims_and_where_it_stands(read: Read) -> None:
    _, bounded = only(
        read, "{host: '3f2a', metric: mfu, min: 10%, max: 0.9, required: true, xfail: no GPU}"
    )
    assert (bounded.where, bounded.host, bounded.metric) == ("s.yaml:2:5", "3f2a", "mfu")
    assert (bounded.low, bounded.high) == (Bound(0.1, "10%"), Bound(0.9, "0.9"))
    assert (bounded.required, bounded.xfail) == (True, "no GPU")
    _, status = only(read, "{status: [unsupported, out of memory]}")
    assert status.statuses == (Status.UNSUPPORTED, Status.OUT_OF_MEMORY)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("3", "2:5: expect should be a mapping of keys to values, found 3"),
        (
            "{}",
            f"2:5: {NOTHING}",
        ),
        (
            "{required: false}",
            f"2:5: {NOTHING}",
        ),
        ("{metric: tpot}", "2:5: a metric needs min, max or both"),
        ("{max: 15ms}", "2:5: max bounds no metric: name the metric too"),
        (
            "{metric: tpot, max: 1s, status: ok}",
            "2:5: metric and status are two expectations: write an entry for each",
        ),
        (
            "{metric: tpo, max: 1s}",
            f"2:14: unknown metric 'tpo'; did you mean 'tpot'? (possible: {METRICS})",
        ),
        ("{metric: [tpot], max: 1s}", "2:14: metric should be a name, found a list"),
        ("{metric: tpot, max: 15 min}", f"2:25: '15 min' cannot be read: {TIME}"),
        ("{metric: tpot, min: }", f"2:24: nothing cannot be read: {TIME}"),
        ("{metric: tpot, min: 2ms, max: 1ms}", "2:35: max 1ms is below min 2ms"),
        (
            "{status: fine}",
            f"2:14: unknown status 'fine'; did you mean 'failed'? (possible: {STATUSES})",
        ),
        ("{status: measuring}", f"2:14: unknown status 'measuring' (possible: {STATUSES})"),
        ("{status: [ok, 3]}", "2:19: status should be a name, found 3"),
        ("{status: []}", "2:14: there is no value: give at least one"),
        ("{required: yes}", "2:16: required should be true or false, found 'yes'"),
        ("{required: true, xfail: true}", "2:29: xfail should be a text, found true"),
        ("{required: true, xfail: ''}", "2:29: xfail should not be empty, found ''"),
        ("{required: true, host: 1234}", f"2:28: host should be a text, found 1234: {HOST}"),
        ("{required: true, host: 12e4}", f"2:28: host should be a text, found 120000.0: {HOST}"),
        ("{required: true, host: a b}", f"2:28: 'a b' names no host: {HOST}"),
        ("{required: true, prompt: 0}", "2:30: prompt should be greater than or equal to 1"),
        (
            "{required: true, precision: fp16}",
            "2:33: unknown precision 'fp16'; did you mean 'bf16'? (possible: bf16, fp32)",
        ),
        (
            "{required: true, prompt: 9}",
            "2:30: this expectation matches no cell: the matrix has no prompt '9' (possible: 16, 8)",
        ),
        (
            "{required: true, operator: window}",
            "2:32: this expectation matches no cell: the matrix has no operator 'window' (possible: sdpa)",
        ),
        (
            "{required: true, scenario: prefill, generate: 2}",
            "2:5: this expectation matches no cell: none has all of these values",
        ),
    ],
)
def test_a_wrong_entry_is_refused_at_its_place(faults: Faults, entry: str, expected: str) -> None:
    (fault,) = faults(spec(entry))
    assert fault.startswith(f"s.yaml:{expected}")


def test_an_unknown_key_names_all_that_an_entry_may_have(faults: Faults) -> None:
    (fault,) = faults(spec("{metrc: tpot, required: true}"))
    assert fault.startswith("s.yaml:2:6: unknown key 'metrc'; did you mean 'metric'?")
    for key in ("xfail", "host", "scenario", "prompt", "min"):
        assert key in fault


def test_all_faults_are_listed_at_once(faults: Faults) -> None:
    found = faults(spec("{precision: fp16, metric: tpo, max: 1s}\n  - {status: fine}"))
    assert [line.split(":")[1] for line in found] == ["2", "2", "3"]


def test_an_override_may_remove_the_cells(read: Read) -> None:
    """As with an exclude."""
    found = read(spec("{prompt: 16, required: true}"), "workload.prompt=8")
    assert found.expectations[0].cells == frozenset()


@pytest.mark.parametrize("block", ["expect:", "expect: []"])
def test_a_block_without_entries_expects_nothing(read: Read, block: str) -> None:
    found = read(f"{block}\nmatrix: {{model: nano, scenario: prefill}}\nworkload: {{prompt: 8}}\n")
    assert found.expectations == ()


def test_only_keeps_the_expectations(load_here: Callable[..., list[Spec]]) -> None:
    """They then find fewer of their cells in the spec."""
    (found,) = load_here({"s.yaml": spec("{required: true}")}, only=["scenario=decode"])
    assert len(found.cells) == 4
    assert len(found.expectations[0].cells) == 8


def test_every_registered_metric_can_be_expected(tmp_path: Path) -> None:
    """With the catalog of what is installed."""
    file = tmp_path / "s.yaml"
    entries = "".join(f"  - {{metric: {name}, max: 1}}\n" for name in registry)
    file.write_text(f"matrix: {{model: nano, scenario: prefill}}\nexpect:\n{entries}")
    (found,) = load([file], ["workload.prompt=8"])
    assert [one.metric for one in found.expectations] == [*registry]
