"""asv works on an export: its own commands find the commit of a planted step."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.domain.cell import Cell, Choice
from harness.domain.location import Location
from harness.domain.metric import Direction, Estimate
from harness.domain.result import Round, Status
from harness.domain.run import Commit, Environment, Host, Run
from harness.store import Store

if TYPE_CHECKING:
    from tests.conftest import Harness

COMMITS, SLOWER = 16, 8  # the ninth commit is 30 % slower
START = datetime(2026, 1, 5, 3, tzinfo=UTC)


@pytest.fixture
def repository(tmp_path: Path) -> tuple[Path, list[Commit]]:
    """A git repository, and its commits, oldest first."""
    folder = tmp_path / "subject"
    git(tmp_path, "init", "--quiet", "--initial-branch", "main", str(folder))
    commits = []
    for number in range(COMMITS):
        when = START + timedelta(days=number)
        git(folder, "commit", "--quiet", "--allow-empty", "-m", f"Change {number}", when=when)
        sha = git(folder, "rev-parse", "HEAD").strip()
        commits.append(Commit(sha, "main", when, f"Change {number}"))
    return folder, commits


def git(folder: Path, *arguments: str, when: datetime = START) -> str:
    identity = {
        f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    dates = {f"GIT_{who}_DATE": when.isoformat() for who in ("AUTHOR", "COMMITTER")}
    environment = {**os.environ, **identity, **dates}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture
def exported(
    harness: Harness,
    tmp_path: Path,
    repository: tuple[Path, list[Commit]],
    host: Host,
    make_cell: Callable[..., Cell],
) -> Path:
    """The history of two cells, of which one becomes slower, as a folder for asv."""
    folder, commits = repository
    cells = [make_cell(), make_cell(precision=Choice("bf16"))]
    noise = np.random.default_rng(0).normal(0, 0.005, (COMMITS, len(cells), 5))
    with Store(Location.file(tmp_path / "results" / "harness.sqlite")) as store:
        for number, commit in enumerate(commits):
            started = START + timedelta(days=number, hours=1)
            environment = Environment({"python": "3.11.9", "torch": "2.13.0"})
            run = store.begin(Run(commit, host, environment, started, seed=0))
            for place, cell in enumerate(cells):
                level = 0.2 * (1.3 if place == 0 and number >= SLOWER else 1.0)
                save(
                    store, run, cell, [float(level * math.exp(one)) for one in noise[number, place]]
                )
            failed = store.open_result(run, make_cell(backend=Choice("compile")), None, adopt=None)
            store.close_result(failed, Status.FAILED if number else Status.OK)
            store.finish(run)
        # None of these belongs to a commit that asv could show.
        for commit in (Commit(""), Commit("f" * 40), Commit(commits[0].sha, dirty="d1147")):
            run = store.begin(Run(commit, host, Environment({}), START, seed=0))
            save(store, run, cells[0], [9.0])
    answer = harness("export", "asv", "asv", "--repo", str(folder))
    assert answer.code == 0, answer.err
    assert "left out: 1 of no commit" in answer.err
    assert "left out: 1 of uncommitted changes" in answer.err
    assert "left out: 1 of a commit that no branch or tag of the repository reaches" in answer.err
    return tmp_path / "asv"


def save(store: Store, run: Run, cell: Cell, seconds: list[float]) -> None:
    """A result with these times in its rounds."""
    assert run.id is not None
    key = store.open_result(run, cell, None, adopt=None)
    for index, one in enumerate(seconds):
        values = {"latency": one, "tokens_per_second": 8 / one}
        store.save_round(key, run, Round(index, Status.OK, values=values, started=run.started))
    middle = float(np.median(seconds))
    rounds = (None, None, "s", Direction.LOWER, len(seconds), 30)
    rate = (None, None, "1/s", Direction.HIGHER, len(seconds), 30)
    metrics = {
        "latency": Estimate(middle, *rounds),
        "tokens_per_second": Estimate(8 / middle, *rate),
    }
    store.close_result(key, Status.OK, metrics=metrics)


def asv(folder: Path, *arguments: str) -> str:
    """What asv prints in the folder; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "asv", *arguments],
        cwd=folder,
        env={**os.environ, "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def loaded(path: Path) -> Any:
    return json.loads(path.read_text())


def test_asv_names_the_planted_commit(
    exported: Path, repository: tuple[Path, list[Commit]]
) -> None:
    """As a single commit, of the slower cell alone; also for the metric that is inverted."""
    _, commits = repository
    printed = asv(exported, "publish", "--no-pull")
    assert "Couldn't find" not in printed
    index = loaded(exported / "html" / "index.json")
    found = loaded(exported / "html" / "regressions.json")["regressions"]
    named = {}
    for name, _path, _params, _place, _last, _best, jumps in found:
        ((first, revision, before, after),) = jumps
        assert first is None  # a single commit lies between the two levels
        named[name] = (index["revision_to_hash"][str(revision)], after / before)
    slower = commits[SLOWER].sha
    assert {name: sha for name, (sha, _) in named.items()} == {
        "prefill.latency('fp32')": slower,
        "prefill.inverse_tokens_per_second('fp32')": slower,
    }
    assert all(ratio == pytest.approx(1.3, rel=0.02) for _, ratio in named.values())
    told = index["benchmarks"]["prefill.inverse_tokens_per_second"]
    assert told["unit"] == "seconds"
    assert told["pretty_name"] == "prefill: 1 / (Tokens/s)"
    assert "Exported as 1 / value" in told["code"]


def test_asv_compares_and_shows_commits(
    exported: Path, repository: tuple[Path, list[Commit]]
) -> None:
    """With an interval from the rounds, and failures as failures."""
    _, commits = repository
    before, after = commits[SLOWER - 1].sha, commits[SLOWER].sha
    lines = asv(exported, "compare", before, after).splitlines()
    changed = {
        line.split("|")[5].split()[0]: line.split("|")[1].strip()
        for line in lines
        if "prefill." in line
    }
    assert changed["prefill.latency('fp32')"] == "+"
    assert changed["prefill.inverse_tokens_per_second('fp32')"] == "+"
    assert changed["prefill.latency('bf16')"] == ""
    shown = asv(exported, "show", after)
    assert "prefill.latency" in shown
    assert "ms" in shown


def test_results_hold_the_rounds_values(
    exported: Path, repository: tuple[Path, list[Commit]]
) -> None:
    """asv's statistics are made of the rounds, which alone vary independently."""
    _, commits = repository
    (machine,) = (one for one in (exported / "results").iterdir() if one.is_dir())
    assert loaded(machine / "machine.json")["machine"] == machine.name
    (file,) = machine.glob(f"{commits[3].sha[:8]}-*.json")
    content = loaded(file)
    row = dict(zip(content["result_columns"], content["results"]["prefill.latency"], strict=True))
    (names,) = row["params"]
    assert names == ["'bf16'", "'fp32'"] or names == ["'fp32'", "'bf16'"]
    for value, samples, low, high in zip(
        row["result"], row["samples"], row["stats_ci_99_a"], row["stats_ci_99_b"], strict=True
    ):
        assert len(samples) == 5
        assert value == pytest.approx(float(np.median(samples)))
        assert low <= value <= high


def test_a_second_export_replaces_the_first(
    harness: Harness, exported: Path, repository: tuple[Path, list[Commit]]
) -> None:
    """Stale files go; html and whatever else lies beside stays."""
    stale = exported / "results" / "gone" / "12345678-x.json"
    stale.parent.mkdir()
    stale.write_text("{}")
    (exported / "html").mkdir()
    answer = harness("export", "asv", "asv", "--repo", str(repository[0]), "--metric", "latency")
    assert answer.code == 0, answer.err
    assert not stale.exists()
    assert (exported / "html").exists()
    assert {*loaded(exported / "results" / "benchmarks.json")} == {"prefill.latency", "version"}


@pytest.mark.parametrize("name", ["asv.conf.json", "results/benchmarks.json"])
def test_another_asv_project_is_left_alone(
    harness: Harness, tmp_path: Path, repository: tuple[Path, list[Commit]], name: str
) -> None:
    theirs = tmp_path / "theirs" / name
    theirs.parent.mkdir(parents=True)
    theirs.write_text('{"version": 1}')
    answer = harness("export", "asv", "theirs", "--repo", str(repository[0]))
    assert answer.code == 2
    assert "holds another asv project" in answer.err
    assert theirs.read_text() == '{"version": 1}'


def test_a_folder_outside_a_repository_is_refused(harness: Harness, tmp_path: Path) -> None:
    answer = harness("export", "asv", "asv", "--repo", str(tmp_path))
    assert answer.code == 2
    assert "name the subject's with --repo" in answer.err
