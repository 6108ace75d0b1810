"""`harness expect`: what specs expect, held against a database of made-up runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from harness.domain.location import Location
from harness.domain.metric import Direction, Estimate
from harness.domain.result import Status
from harness.domain.run import Commit, Environment, Host, Run
from harness.spec.load import load
from harness.store import Store

if TYPE_CHECKING:
    from tests.conftest import Answer, Harness

START = datetime(2026, 1, 5, 3, tzinfo=UTC)
SPEC = """\
# Which is it?
matrix:
  model: nano
  scenario: decode
  precision: [fp32, bf16]
  compression: [none, int8-dynamic, [{name: magnitude, fraction: 0.25}, int8-dynamic]]
workload: {prompt: 16, generate: 4}
"""
MET = "{precision: bf16, compression: none, metric: tpot, max: 15ms}"
RUNS = 8


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A spec of six cells."""
    file = tmp_path / "s.yaml"
    file.write_text(SPEC)
    return file


@pytest.fixture
def stored(tmp_path: Path, spec: Path, host: Host) -> list[str]:
    """Eight runs: tpot of 10 ms with noise; the last two cells are unsupported, and measured twice."""
    (read,) = load([spec])
    noise = np.exp(np.random.default_rng(0).normal(0, 0.01, (len(read.cells), RUNS)))
    with Store(Location.file(tmp_path / "results" / "harness.sqlite")) as store:
        for day in range(RUNS):
            when = START + timedelta(days=day)
            commit = Commit(f"{day + 1:040x}", date=when, subject=f"Change {day}")
            run = store.begin(Run(commit, host, Environment({}), started=when, seed=0))
            for place, cell in enumerate(read.cells):
                if place == 5 and day > 1:
                    continue
                key = store.open_result(run, cell, None, adopt=None)
                if place == 4:
                    store.close_result(key, Status.UNSUPPORTED, "no kernel")
                    continue
                value = 0.010 * float(noise[place, day])
                metrics = {
                    "tpot": estimate(value),
                    "tokens_per_second": estimate(1 / value, up=True),
                }
                store.close_result(key, Status.OK, metrics=metrics)
            store.finish(run)
    return [cell.id for cell in read.cells]


def estimate(value: float, *, up: bool = False) -> Estimate:
    direction = Direction.HIGHER if up else Direction.LOWER
    return Estimate(value, value * 0.995, value * 1.005, "1/s" if up else "s", direction, 6, 60)


def expecting(spec: Path, entries: Sequence[str]) -> None:
    spec.write_text(SPEC + "expect:\n" + "".join(f"  - {entry}\n" for entry in entries))


def checked(harness: Harness, *options: str) -> Answer:
    return harness("expect", "check", "s.yaml", *options)


def test_what_is_met_exits_with_0(harness: Harness, spec: Path, stored: list[str]) -> None:
    expecting(spec, [MET, "{compression: none, status: ok, required: true}"])
    answer = checked(harness)
    assert answer.code == 0, answer.err
    assert answer.err == "expectations: 3 met\n"
    assert "tpot at most 15ms" in answer.out


@pytest.mark.parametrize(
    ("entry", "verdict", "code"),
    [
        ("{precision: fp32, compression: none, metric: tpot, max: 5ms}", "missed", 1),
        ("{precision: fp32, compression: none, metric: tpot, min: 20ms}", "missed", 1),
        ("{precision: fp32, compression: none, metric: tpot, max: 5ms, xfail: slow}", "xfail", 0),
        ("{precision: fp32, compression: none, metric: tpot, max: 1s, xfail: slow}", "xpass", 1),
        (
            "{precision: fp32, compression: [[{name: magnitude, fraction: 0.25}, int8-dynamic]], metric: tpot, max: 1s}",
            "unclear",
            0,
        ),
        (
            "{precision: fp32, compression: [[{name: magnitude, fraction: 0.25}, int8-dynamic]], required: true}",
            "missing",
            1,
        ),
        (
            "{precision: fp32, compression: [[{name: magnitude, fraction: 0.25}, int8-dynamic]], status: unsupported}",
            "met",
            0,
        ),
        (
            "{precision: fp32, compression: none, metric: mfu, min: 1%, required: true}",
            "missing",
            1,
        ),
    ],
)
def test_each_verdict_has_its_exit_code(
    harness: Harness, spec: Path, stored: list[str], entry: str, verdict: str, code: int
) -> None:
    """A failure that is known is none; one that is known and gone is."""
    expecting(spec, [entry])
    answer = checked(harness, "--format", "json")
    assert answer.code == code, answer.err
    assert answer.json["counts"] == {verdict: 1}


def test_the_table_has_failures_first(harness: Harness, spec: Path, stored: list[str]) -> None:
    expecting(spec, [MET, "{precision: fp32, compression: none, metric: tpot, max: 5ms}"])
    answer = checked(harness)
    assert answer.code == 1
    first, second = answer.out.splitlines()[2:4]
    assert first.startswith("missed")
    assert "tpot at most 5ms" in first
    assert "s.yaml:10:5" in first
    assert "the whole interval is above the bound" in first
    assert second.startswith("met")
    markdown = checked(harness, "--format", "markdown")
    assert markdown.out.startswith("| verdict")


def test_the_json_gives_bound_and_interval(
    harness: Harness, spec: Path, stored: list[str], host: Host
) -> None:
    expecting(spec, ["{precision: fp32, compression: none, metric: tpot, min: 1us, max: 5ms}"])
    (found,) = checked(harness, "--format", "json").json["expectations"]
    assert (found["min"], found["max"], found["unit"]) == (1e-6, 0.005, "s")
    assert found["low"] < found["value"] < found["high"]
    assert found["cell"] == stored[0]
    assert found["host"] == host.fingerprint
    assert found["commit"] == f"{RUNS:040x}"


def test_a_host_is_named_by_its_fingerprint_or_a_word(
    harness: Harness, spec: Path, stored: list[str], host: Host
) -> None:
    """What is expected of other hosts is counted, not judged."""
    bound = "precision: fp32, compression: none, metric: tpot, max: 5ms"
    expecting(spec, [f'{{{bound}, host: "{host.fingerprint[:4]}"}}', f"{{{bound}, host: EPYC}}"])
    answer = checked(harness, "--host", "example")
    assert answer.code == 1
    assert answer.err == "expectations: 1 missed; 1 for other hosts\n"
    wrong = checked(harness, "--host", "EPYC")
    assert wrong.code == 2
    assert f"unknown host 'EPYC' (possible: {host.fingerprint} (Example 9000))" in wrong.err


def test_only_narrows_what_is_judged(harness: Harness, spec: Path, stored: list[str]) -> None:
    expecting(spec, ["{metric: tpot, max: 15ms}"])
    answer = checked(harness, "--only", "precision=fp32", "--format", "json")
    assert answer.json["counts"] == {"unclear": 1, "met": 2}


def test_without_results_what_is_required_is_missing(harness: Harness, spec: Path) -> None:
    expecting(spec, ["{compression: none, required: true}", MET])
    answer = checked(harness)
    assert answer.code == 1
    assert answer.err == "expectations: 2 missing, 1 unclear\n"


def test_specs_that_expect_nothing_are_refused(harness: Harness, spec: Path) -> None:
    """A check that checks nothing would always pass."""
    answer = checked(harness)
    assert answer.code == 2
    assert "no spec expects anything" in answer.err


def test_a_wrong_expectation_is_refused_at_its_place(harness: Harness, spec: Path) -> None:
    expecting(spec, ["{metric: tpott, max: 5ms}"])
    answer = checked(harness)
    assert answer.code == 2
    assert "s.yaml:9:14: unknown metric 'tpott'; did you mean 'tpot'?" in answer.err


def proposed(harness: Harness, *options: str) -> str:
    answer = harness("expect", "propose", "s.yaml", "--host", "Example", *options)
    assert answer.code == 0, answer.err
    return answer.out


@pytest.mark.parametrize("options", [(), ("--worse",), ("--metric", "tokens_per_second")])
def test_a_proposed_block_is_met_by_the_newest_results(
    harness: Harness, spec: Path, stored: list[str], options: tuple[str, ...]
) -> None:
    """Each entry by its own cell, once the block is in the spec."""
    block = proposed(harness, *options)
    spec.write_text(SPEC + block)
    answer = checked(harness, "--format", "json")
    assert answer.code == 0, answer.err
    assert answer.json["counts"] == {"met": 4}
    assert [one["cell"] for one in answer.json["expectations"]] == stored[:4]


def test_a_proposal_says_what_it_rests_on(
    harness: Harness, spec: Path, stored: list[str], host: Host
) -> None:
    """And makes up no bound from too little."""
    lines = proposed(harness).splitlines()
    assert lines[:2] == [
        f"# On {host} ({host.fingerprint}), from its history.",
        "expect:",
    ]
    assert lines[2] == "  # fp32: tpot, from 8 results"
    assert re.fullmatch(
        rf"  - \{{compression: none, precision: fp32, host: '?{host.fingerprint}'?, "
        r"metric: tpot, min: 9\.\d+ms, max: 10\.\dms\}",
        lines[3],
    )
    composed = "  # magnitude(fraction=0.25) + int8-dynamic"
    assert f"{composed} fp32: tpot: no bound: no result" in lines
    assert f"{composed} bf16: tpot: no bound: 2 results: a bound needs 5" in lines
    assert len(lines) == 2 + 2 * 4 + 2


def test_worse_leaves_out_the_side_of_improvements(
    harness: Harness, spec: Path, stored: list[str]
) -> None:
    both = proposed(harness, "--worse", "--metric", "tpot", "--metric", "tokens_per_second")
    entries = [line for line in both.splitlines() if line.startswith("  - ")]
    assert len(entries) == 8
    for line in entries:
        assert ("min:" in line) == ("metric: tokens_per_second" in line)
        assert ("max:" in line) == ("metric: tpot" in line)


def test_a_history_of_another_host_does_not_count(
    harness: Harness, spec: Path, stored: list[str]
) -> None:
    """Without --host, it is this host's."""
    answer = harness("expect", "propose", "s.yaml")
    assert answer.code == 0
    assert "no bound: no result" in answer.out
    assert "  - " not in answer.out
    spec.write_text(SPEC + answer.out)
    assert load([spec])[0].expectations == ()


def test_an_ambiguous_host_is_refused(
    harness: Harness, spec: Path, stored: list[str], tmp_path: Path
) -> None:
    (read,) = load([spec])
    with Store(Location.file(tmp_path / "results" / "harness.sqlite")) as store:
        for physical in (1, 2):
            host = Host("Example 1", "x86_64", physical, 8, (), 2**34, "Linux")
            run = store.begin(Run(Commit("a" * 40), host, Environment({}), START, 0))
            key = store.open_result(run, read.cells[0], None, adopt=None)
            store.close_result(key, Status.OK, metrics={"tpot": estimate(0.01)})
    answer = harness("expect", "propose", "s.yaml", "--host", "example")
    assert answer.code == 2
    assert "several hosts match 'example': write more of a fingerprint" in answer.err


def test_an_unknown_metric_is_refused(harness: Harness, spec: Path) -> None:
    answer = harness("expect", "propose", "s.yaml", "--metric", "tpott")
    assert answer.code == 2
    assert "unknown metric 'tpott'; did you mean 'tpot'?" in answer.err
