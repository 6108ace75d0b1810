"""`harness compare`: what stored results say, from a database of made-up nights."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.domain.cell import Cell, Choice
from harness.domain.location import Location
from harness.domain.metric import Direction, Estimate
from harness.domain.night import Confirmation, Kind, Night, NightState, Pair, Role, Verdict
from harness.domain.result import Round, Status
from harness.domain.run import Commit, Environment, Host, Run
from harness.store import Store

if TYPE_CHECKING:
    from tests.conftest import Harness

START = datetime(2026, 1, 5, 3, tzinfo=UTC)
NIGHTS = 20
BASE, HEAD = f"{NIGHTS - 2:02x}" + "a" * 38, f"{NIGHTS - 1:02x}" + "a" * 38
DOCS = Path(__file__).parents[2] / "docs"
SOFTWARE = Environment({"torch": "2.13.0"})


def estimate(value: float, unit: str = "s", direction: Direction = Direction.LOWER) -> Estimate:
    return Estimate(value, value * 0.999, value * 1.001, unit, direction, 3, 30)


def commit_of(night: int) -> Commit:
    when = START + timedelta(days=night)
    return Commit(f"{night:02x}" + "a" * 38, "main", when, f"Change number {night}")


@dataclass
class Nightly:
    """A store, and what its nights measure."""

    store: Store
    host: Host

    def run(self, night: int, found: Mapping[Cell, Any], **changes: Any) -> Run:
        """Save a run with each cell's metrics, or its status and reason."""
        when = START + timedelta(days=night)
        plain = Run(commit_of(night), self.host, SOFTWARE, started=when, seed=0)
        run = self.store.begin(replace(plain, **changes))
        for cell, outcome in found.items():
            key = self.store.open_result(run, cell, None, adopt=None)
            if isinstance(outcome, tuple):
                self.store.close_result(key, *outcome)
            else:
                self.store.close_result(key, Status.OK, metrics=outcome)
        self.store.finish(run)
        return run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results" / "harness.sqlite"


@pytest.fixture
def nightly(path: Path, host: Host) -> Any:
    with Store(Location.file(path)) as store:
        yield Nightly(store, host)


@pytest.fixture
def cells(make_cell: Callable[..., Cell]) -> dict[str, Cell]:
    scenarios = ("prefill", "decode", "train")
    found = {name: make_cell(scenario=Choice(name)) for name in scenarios}
    return {**found, "new": make_cell(precision=Choice("bf16"))}


@pytest.fixture
def history(nightly: Nightly, cells: Mapping[str, Cell]) -> None:
    """Twenty nights of three cells; noise of 0.3 %. The last one has a slower prefill, a faster
    decode, a failed train, and a cell that is new.
    """
    noise = np.exp(np.random.default_rng(1).normal(0, 0.003, (3, NIGHTS)))
    noise[0, -1] *= 1 / 1.08
    noise[1, -1] *= 0.9
    for night in range(NIGHTS):
        speed, time, other = (float(one) for one in noise[:, night])
        memory = {"peak_memory": estimate(2.0**30 * (1.2 if night == NIGHTS - 1 else 1), "B")}
        rate = {"tokens_per_second": estimate(100 * speed, "1/s", Direction.HIGHER)}
        train = {"tokens_per_second": estimate(100 * other, "1/s", Direction.HIGHER)}
        found: dict[Cell, Any] = {
            cells["prefill"]: rate | memory,
            cells["decode"]: {"tpot": estimate(0.01 * time)} | memory,
            cells["train"]: train,
        }
        if night == NIGHTS - 1:
            found[cells["train"]] = (Status.CRASHED, "signal 11 | <b>@everyone</b>")
            found[cells["new"]] = rate
        nightly.run(night, found)


def by_scenario(rows: list[dict[str, Any]], metric: str = "") -> dict[str, dict[str, Any]]:
    """The rows of fp32 cells."""
    return {
        row["axes"]["scenario"]: row
        for row in rows
        if row["axes"]["precision"] == "fp32" and metric in {"", row["metric"]}
    }


@pytest.mark.usefixtures("history")
def test_each_cell_has_its_verdict(harness: Harness) -> None:
    answer = harness("compare", BASE[:6], HEAD[:6], "--format", "json")
    assert answer.code == 0, answer.err
    rows = by_scenario(answer.json["rows"])
    slower, faster, failed = rows["prefill"], rows["decode"], rows["train"]
    assert (slower["verdict"], slower["worse"], slower["metric"]) == (
        *("slower", True),
        "tokens_per_second",
    )
    assert slower["ratio"] == pytest.approx(1 / 1.08, rel=0.01)
    assert slower["low"] < slower["ratio"] < slower["high"] < 1
    assert (faster["verdict"], faster["worse"], faster["metric"]) == ("faster", False, "tpot")
    assert (failed["verdict"], failed["note"]) == (
        "failed",
        "B: crashed: signal 11 | <b>@everyone</b>",
    )
    (new,) = (row for row in answer.json["rows"] if row["axes"]["precision"] == "bf16")
    assert (new["verdict"], new["note"]) == ("not run", "A was not run")
    verdicts = [row["verdict"] for row in answer.json["rows"]]
    assert verdicts[0] == "failed"
    assert verdicts[-1] == "not run"
    assert answer.json["counts"]["slower"] == 1
    assert answer.json["b"]["commit"] == HEAD


@pytest.mark.usefixtures("history")
def test_unchanged_commits_show_no_difference(harness: Harness) -> None:
    answer = harness("compare", commit_of(3).sha, commit_of(9).sha, "--format", "json")
    assert {row["verdict"] for row in answer.json["rows"]} == {"same"}
    assert answer.json["summary"] == "3 the same"
    narrow = harness("compare", commit_of(3).sha, commit_of(9).sha, "--same", "0.1%")
    assert "3 inconclusive" in narrow.out


@pytest.mark.usefixtures("history")
def test_the_first_line_is_the_answer(harness: Harness) -> None:
    lines = harness("compare", BASE, HEAD).out.splitlines()
    assert re.fullmatch(
        r"1 failed, 1 slower \(most: \S.*, -[78]\.\d% Tokens/s\), "
        r"1 faster \(most: decode.*, -(9|10)\.\d% .*\), 1 not run",
        lines[0],
    ), lines[0]
    assert lines[1] == (
        f"A: {BASE[:10]} Change number {NIGHTS - 2}; B: {HEAD[:10]} Change number {NIGHTS - 1}"
    )


@pytest.mark.usefixtures("history")
def test_other_metrics_are_better_or_worse(harness: Harness) -> None:
    """Only where cells have them; a metric that no compared cell has is named."""
    options = ("--metric", "peak_memory", "--metric", "ttft", "--format", "json")
    answer = harness("compare", BASE, HEAD, *options)
    memory = by_scenario(answer.json["rows"], "peak_memory")
    assert {name: row["verdict"] for name, row in memory.items()} == {
        "prefill": "worse",
        "decode": "worse",
    }
    assert answer.err == "no compared cell has the metric ttft\n"


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(
    ("reasons", "code", "said"),
    [
        (["slower"], 3, "failed: 1 slower\n"),
        (["slower:3%"], 3, "failed: 1 slower by 3 % or more\n"),
        (["slower:50%"], 0, ""),
        (["failed"], 1, "failed: 1 failed\n"),
        (["not-run"], 0, ""),
        (["failed", "slower:0.05"], 3, "failed: 1 failed\nfailed: 1 slower by 5 % or more\n"),
    ],
)
def test_the_exit_code_is_what_is_asked_for(
    harness: Harness, reasons: list[str], code: int, said: str
) -> None:
    options = [part for one in reasons for part in ("--fail-on", one)]
    answer = harness("compare", BASE, HEAD, *options)
    assert (answer.code, answer.err) == (code, said)


@pytest.mark.usefixtures("history")
def test_a_worse_memory_fails_only_as_worse(harness: Harness) -> None:
    memory = ("--only", "scenario=decode", "--metric", "peak_memory")
    assert harness("compare", BASE, HEAD, *memory, "--fail-on", "slower").code == 0
    assert harness("compare", BASE, HEAD, *memory, "--fail-on", "worse").code == 3


@pytest.mark.usefixtures("history")
def test_a_cell_that_is_gone_fails_as_not_run(harness: Harness) -> None:
    """The other way round, the new cell is missing from B."""
    answer = harness("compare", HEAD, BASE, "--fail-on", "not-run", "--fail-on", "failed")
    assert (answer.code, answer.err) == (1, "failed: 1 not run\n")


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((BASE, "aaaa"), "unknown commit 'aaaa'"),
        ((BASE, "no-such-branch"), f"{HEAD[:10]} (Change number {NIGHTS - 1})"),
        ((BASE, BASE[:8]), "there is nothing to compare with itself"),
        ((BASE, f"{HEAD[:8]}+dirty"), "was not measured with those uncommitted changes"),
        (("run:1", "run:99"), "unknown run '99'"),
        (("run:1", "host:"), "unknown host ''"),
        (("cell:zz", "run:1"), "unknown cell 'zz'"),
        (("runn:1", "run:1"), "unknown kind 'runn'; did you mean 'run'?"),
        ((BASE, HEAD, "--metric", "tpott"), "unknown metric 'tpott'; did you mean 'tpot'?"),
        ((BASE, HEAD, "--fail-on", "slow"), "unknown reason 'slow'; did you mean 'slower'?"),
        ((BASE, HEAD, "--fail-on", "failed:3%"), "only slower and worse take a size"),
        ((BASE, HEAD, "--fail-on", "slower:x"), "--fail-on slower:x: 'x' cannot be read"),
        ((BASE, HEAD, "--same", "300%"), "--same: 300% is not above 0% and at most 100%"),
        ((BASE, HEAD, "--only", "scenaro=decode"), "unknown axis 'scenaro'"),
        ((BASE, HEAD, "--only", "scenario=nothing"), "of such cells"),
    ],
)
def test_what_is_wrong_is_refused(
    harness: Harness, arguments: tuple[str, ...], message: str
) -> None:
    answer = harness("compare", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err


def test_a_prefix_of_several_is_ambiguous(harness: Harness, nightly: Nightly, cells: Any) -> None:
    found = {cells["decode"]: {"tpot": estimate(1.0)}}
    for last in "bc":
        nightly.run(0, found, commit=Commit("abcd" + last * 36, subject=f"The {last}"))
    answer = harness("compare", "abcd", "abcdb")
    assert answer.code == 2
    assert "commit 'abcd' is ambiguous: it may be abcdcccccc (The c); abcdbbbbbb (The b)" in (
        answer.err
    )


def test_without_results_nothing_can_be_compared(harness: Harness) -> None:
    answer = harness("compare", "HEAD", "HEAD~1")
    assert answer.code == 2
    assert "no results in results/harness.sqlite" in answer.err


def git(folder: Path, *arguments: str) -> str:
    """Run git there, as nobody in particular."""
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    answer = subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True, text=True
    )
    return answer.stdout.strip()


def test_git_names_the_commits(
    harness: Harness, nightly: Nightly, cells: Any, tmp_path: Path
) -> None:
    """Tags, branches and ancestors; a commit that was not measured is named with those that were."""
    repository = tmp_path / "mine"
    git(tmp_path, "init", "-q", "-b", "main", str(repository))
    shas = []
    for number in range(3):
        git(repository, "commit", "-qm", f"Number {number}", "--allow-empty")
        shas.append(git(repository, "rev-parse", "HEAD"))
    git(repository, "tag", "v1", shas[0])
    for sha, value in ((shas[0], 1.0), (shas[2], 2.0)):
        nightly.run(0, {cells["decode"]: {"tpot": estimate(value)}}, commit=Commit(sha))
    repo = ("--repo", str(repository), "--format", "json")
    for names in (("v1", "main"), ("HEAD~2", "HEAD"), (shas[0], "main")):
        answer = harness("compare", *names, *repo)
        assert (answer.json["a"]["commit"], answer.json["b"]["commit"]) == (shas[0], shas[2])
        assert answer.json["rows"][0]["verdict"] == "slower"
    answer = harness("compare", "HEAD~1", "main", *repo)
    assert answer.code == 2
    assert f"HEAD~1 is commit {shas[1][:10]}, which has no results in" in answer.err


def test_uncommitted_changes_are_another_subject(
    harness: Harness, nightly: Nightly, cells: Any
) -> None:
    found = {cells["decode"]: {"tpot": estimate(1.0)}}
    nightly.run(0, found)
    for digest in ("d1", "d2"):
        nightly.run(1, found, commit=replace(commit_of(1), dirty=digest))
    first, second = (commit_of(night).sha for night in (0, 1))
    plain = harness("compare", first, second)
    assert plain.code == 2
    assert "measured only with uncommitted changes; write" in plain.err
    assert "is ambiguous" in harness("compare", first, f"{second}+dirty").err
    answer = harness("compare", first, f"{second}+d2", "--format", "json")
    assert (answer.code, answer.json["b"]["dirty"]) == (0, True)


@pytest.mark.usefixtures("history")
def test_runs_are_compared(harness: Harness) -> None:
    """And a run with a commit. (Their commits stand in the heading, not in every note.)"""
    for a, b in ((f"run:{NIGHTS - 1}", f"run:{NIGHTS}"), (f"run:{NIGHTS - 1}", HEAD)):
        rows = by_scenario(harness("compare", a, b, "--format", "json").json["rows"])
        assert rows["prefill"]["verdict"] == "slower"
        assert rows["train"]["verdict"] == "failed"
        assert rows["prefill"]["note"] == ""


def test_other_software_is_another_series(harness: Harness, nightly: Nightly, cells: Any) -> None:
    """Commits are not compared across it; runs are, with a note."""
    found = {cells["decode"]: {"tpot": estimate(1.0)}}
    nightly.run(0, found)
    nightly.run(1, found, environment=Environment({"torch": "2.14.0"}))
    (row,) = harness("compare", commit_of(0).sha, commit_of(1).sha, "--format", "json").json["rows"]
    assert (row["verdict"], row["note"]) == ("not run", "other software: torch 2.13.0 → 2.14.0")
    (row,) = harness("compare", "run:1", "run:2", "--format", "json").json["rows"]
    assert row["verdict"] == "inconclusive"
    assert "torch 2.13.0 → 2.14.0" in row["note"]
    assert "noise of 2.0% assumed" in row["note"]


def test_hosts_are_compared_at_their_newest_common_commit(
    harness: Harness, nightly: Nightly, cells: Any, host: Host
) -> None:
    other = replace(host, cpu="Other 1")
    decode = cells["decode"]
    nightly.run(0, {decode: {"tpot": estimate(1.0)}})
    nightly.run(0, {decode: {"tpot": estimate(0.5)}}, host=other)
    nightly.run(1, {decode: {"tpot": estimate(9.0)}}, host=other)
    sides = (f"host:{host.fingerprint[:6]}", f"host:{other.fingerprint}")
    (row,) = harness("compare", *sides, "--format", "json").json["rows"]
    assert (row["verdict"], row["ratio"]) == ("faster", pytest.approx(0.5))


def test_cells_of_one_run_are_compared_by_pairs_of_rounds(
    harness: Harness, nightly: Nightly, make_cell: Callable[..., Cell]
) -> None:
    cells = [
        make_cell(scenario=Choice("decode"), precision=Choice(one)) for one in ("fp32", "bf16")
    ]
    run = nightly.run(0, {})
    for side, cell in enumerate(cells):
        key = nightly.store.open_result(run, cell, None, adopt=None)
        for index in range(6):
            value = (1.0, 0.9)[side] * (1 + 0.1 * index)  # the machine slows down
            when = START + timedelta(seconds=60 * index + 30 * side)
            nightly.store.save_round(
                key, run, Round(index, Status.OK, values={"tpot": value}, started=when)
            )
        spread = Estimate(1.2, 1.0, 1.4, "s", Direction.LOWER, 6, 60)
        nightly.store.close_result(key, Status.OK, metrics={"tpot": spread})
    sides = [f"cell:{cell.id[:10]}" for cell in cells]
    (row,) = harness("compare", *sides, "--format", "json").json["rows"]
    assert (row["verdict"], row["pairs"]) == ("faster", 6)
    assert row["ratio"] == pytest.approx(0.9)


def test_cells_without_a_common_headline_need_a_metric(
    harness: Harness, nightly: Nightly, cells: Any
) -> None:
    rates = {"tokens_per_second": estimate(1.0, "1/s", Direction.HIGHER)}
    both = {"tpot": estimate(1.0)} | rates
    nightly.run(0, {cells["decode"]: both, cells["prefill"]: rates})
    sides = (f"cell:{cells['decode'].id}", f"cell:{cells['prefill'].id}")
    answer = harness("compare", *sides)
    assert answer.code == 2
    assert "name one with --metric" in answer.err
    assert harness("compare", *sides, "--metric", "tokens_per_second").code == 0


def night_with(nightly: Nightly, state: NightState, **changes: Any) -> None:
    """Save a night in which pairs of rounds looked at decode."""
    run = Run(commit_of(NIGHTS - 1), nightly.host, SOFTWARE, started=START, seed=0)
    night = nightly.store.begin_night(
        Night(Kind.GATE, run.host, run.environment, run.commit, START)
    )
    plain = Confirmation(
        Role.REQUESTED,
        changes.pop("cell"),
        *("tpot", "s", Direction.LOWER),
        base=commit_of(NIGHTS - 2),
        head=commit_of(NIGHTS - 1),
        verdict=Verdict.CONFIRMED,
        pairs=(Pair(True, 1.0, 1.05), Pair(False, 1.0, 1.05)),
        ratio=1.05,
        low=1.04,
        high=1.06,
        p=1e-9,
    )
    nightly.store.save_confirmation(night, replace(plain, **changes))
    nightly.store.finish_night(night, state)


@pytest.mark.usefixtures("history")
def test_pairs_of_rounds_say_more_than_two_runs(
    harness: Harness, nightly: Nightly, cells: Any
) -> None:
    """Even against them, and from either side. Pairs of a void night say nothing."""
    night_with(nightly, NightState.VOID, cell=cells["decode"])
    rows = by_scenario(harness("compare", BASE, HEAD, "--format", "json").json["rows"])
    assert rows["decode"]["verdict"] == "faster"
    night_with(nightly, NightState.DONE, cell=cells["decode"])
    rows = by_scenario(harness("compare", BASE, HEAD, "--format", "json").json["rows"])
    found = rows["decode"]
    assert (found["verdict"], found["note"]) == ("slower", "confirmed by 2 pairs")
    assert (found["ratio"], found["low"], found["p"]) == (1.05, 1.04, 1e-9)
    assert (found["a"], found["b"]) == (pytest.approx(1.0), pytest.approx(1.05))
    rows = by_scenario(harness("compare", HEAD, BASE, "--format", "json").json["rows"])
    assert rows["decode"]["verdict"] == "faster"
    assert rows["decode"]["ratio"] == pytest.approx(1 / 1.05)


def test_commits_with_pairs_alone_are_compared(
    harness: Harness, nightly: Nightly, cells: Any
) -> None:
    """As `harness gate` leaves them."""
    night_with(nightly, NightState.DONE, cell=cells["decode"], verdict=Verdict.REJECTED)
    (row,) = harness("compare", BASE, HEAD, "--format", "json").json["rows"]
    assert (row["verdict"], row["note"]) == ("inconclusive", "rejected by 2 pairs")


@pytest.mark.usefixtures("history")
def test_markdown_fits_a_comment(harness: Harness) -> None:
    """The summary, what differs, and the rest folded; a reason stays text."""
    text = harness("compare", BASE, HEAD, "--format", "markdown").out
    first, _, rest = text.partition("\n")
    assert first.startswith("**1 failed, 1 slower (most: ")
    table, _, folded = rest.partition("<details>\n<summary>1 not run</summary>")
    assert "| SLOWER " in table
    assert "| FASTER " in table
    assert r"`B: crashed: signal 11 \| <b>@everyone</b>`" in table
    assert "| NOT RUN " in folded
    assert folded.rstrip().endswith("</details>")


@pytest.mark.thorough
def test_very_many_cells_still_fit_a_comment(
    harness: Harness, nightly: Nightly, make_cell: Callable[..., Cell]
) -> None:
    cells = [
        make_cell(scenario=Choice("decode"), workload=(("batch", batch), ("prompt", 8)))
        for batch in range(1, 1001)
    ]
    for night in (0, 1):
        found = {
            cell: {"tpot": estimate(2.0 if night and place % 2 else 1.0)}
            for place, cell in enumerate(cells)
        }
        nightly.run(night, found)
    sides = (commit_of(0).sha, commit_of(1).sha)
    text = harness("compare", *sides, "--format", "markdown").out
    assert len(text) <= 65_536
    assert re.search(r"and \d+ more, which do not fit here|\d+ rows, which do not fit here", text)
    assert text.startswith("**500 slower (most: ")
    assert len(harness("compare", *sides, "--format", "json").json["rows"]) == 1000


@pytest.mark.usefixtures("history")
def test_every_key_of_the_document_is_in_the_docs(harness: Harness) -> None:
    """And every verdict."""
    text = (DOCS / "json.md").read_text()
    section = text.split("## `harness compare --format json`")[1].split("\n## ")[0]
    document = harness("compare", BASE, HEAD, "--format", "json").json
    keys = {*document, *document["a"], *document["rows"][0], *document["counts"]}
    assert [key for key in keys - {"version"} if f"`{key}`" not in section] == []
