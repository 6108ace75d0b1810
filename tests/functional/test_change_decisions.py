"""`harness changes show`, `ack`, `expect`, `fix` and `audit`, on a database of made-up nights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.domain.cell import Cell
from harness.domain.location import Location
from harness.domain.metric import Direction, Estimate
from harness.domain.night import Confirmation, Kind, Night, NightState, Pair, Role, Verdict
from harness.domain.result import Status
from harness.domain.run import Commit, Environment, Host, Run
from harness.store import Store
from tests.functional.test_docs import JSON, keys_of, section

if TYPE_CHECKING:
    from tests.conftest import Harness

START = datetime(2026, 1, 5, 3, tzinfo=UTC)
NIGHTS, SLOWER = 16, 8
TORCH = Environment({"torch": "2.13.0"})


def commit(number: int) -> Commit:
    when = START + timedelta(days=number)
    return Commit(f"{number:040x}", date=when, subject=f"Change number {number}")


@pytest.fixture
def cell(make_cell: Callable[..., Cell]) -> Cell:
    return make_cell()


@pytest.fixture
def env(env: Mapping[str, str]) -> dict[str, str]:
    """With a user whom git knows."""
    user = {"COUNT": "1", "KEY_0": "user.name", "VALUE_0": "Ada L."}
    return {**env, **{f"GIT_CONFIG_{key}": value for key, value in user.items()}}


@pytest.fixture
def store(tmp_path: Path, host: Host, cell: Cell) -> Location:
    """Sixteen nights of a cell that becomes 8 % slower; noise of 0.5 %."""
    location = Location.file(tmp_path / "results" / "harness.sqlite")
    noise = np.exp(np.random.default_rng(0).normal(0, 0.005, NIGHTS))
    noise[SLOWER:] *= 1.08
    with Store(location) as store:
        for number, value in enumerate(noise):
            one = commit(number)
            started = START + timedelta(days=number)
            run = store.begin(Run(one, host, TORCH, started=started, seed=0))
            key = store.open_result(run, cell, None, adopt=None)
            metrics = {
                "latency": Estimate(float(value), None, None, "s", Direction.LOWER, 3, 30),
                # No leaderboard has a column for it.
                "load_time": Estimate(float(value), None, None, "s", Direction.LOWER, 3, 30),
            }
            store.close_result(key, Status.OK, metrics=metrics)
            store.finish(run)
    return location


def listed(harness: Harness, *options: str) -> list[dict[str, Any]]:
    answer = harness("changes", "list", "--format", "json", *options)
    assert answer.code == 0, answer.err
    return list(answer.json["changes"])


def with_night(location: Location, host: Host, one: Confirmation, state: NightState) -> None:
    night = Night(Kind.NIGHTLY, host, TORCH, one.head, START + timedelta(days=SLOWER))
    with Store(location) as store:
        begun = store.begin_night(night)
        store.save_confirmation(begun, one)
        store.finish_night(begun, state, "the control alarmed" if state is NightState.VOID else "")


@pytest.fixture
def confirmation(cell: Cell) -> Confirmation:
    """What the night of the slower commit found."""
    return Confirmation(
        role=Role.SUSPECT,
        cell=cell,
        metric="latency",
        unit="s",
        direction=Direction.LOWER,
        base=commit(SLOWER - 1),
        head=commit(SLOWER),
        verdict=Verdict.CONFIRMED,
        pairs=(Pair(True, 1.0, 1.08), Pair(False, 1.0, 1.09)),
        ratio=1.085,
        low=1.07,
        high=1.1,
        p=1e-6,
    )


def test_a_change_is_shown_with_its_commits_and_commands(
    harness: Harness, store: Location, cell: Cell
) -> None:
    (change,) = listed(harness)
    answer = harness("changes", "show", change["id"][:6])
    assert answer.code == 0, answer.err
    good, bad = commit(SLOWER - 1).sha, commit(SLOWER).sha
    for text in (
        change["id"],
        "worse",
        "Change number 7",
        "Change number 8",
        f"git log --oneline {good}..{bad}",
        f"harness bisect {cell.id} {good} {bad}",
        "no night has measured it again",
        "no decision yet",
    ):
        assert text in answer.out, text


@pytest.mark.parametrize(
    ("state", "remark"),
    [(NightState.DONE, ""), (NightState.VOID, "void night: the control alarmed")],
)
def test_a_change_is_shown_with_the_pairs_of_nights(
    harness: Harness,
    store: Location,
    host: Host,
    confirmation: Confirmation,
    state: NightState,
    remark: str,
) -> None:
    with_night(store, host, confirmation, state)
    (change,) = listed(harness)
    text = harness("changes", "show", change["id"]).out
    assert "+7.0% to +10.0%" in text
    assert remark in text
    assert text.count("2026-01-13 03:00 UTC  head") == 1
    document = harness("changes", "show", change["id"], "--format", "json").json
    assert document["change"] == change
    (found,) = document["confirmations"]
    assert (found["verdict"], found["state"], found["worse"]) == ("confirmed", str(state), True)
    assert found["pairs"][0] == {"head_first": True, "base": 1.0, "head": 1.08}


def test_a_change_of_a_metric_that_no_leaderboard_shows_has_an_id_too(
    harness: Harness, store: Location
) -> None:
    (change,) = listed(harness, "--metric", "load_time")
    assert harness("changes", "show", change["id"]).code == 0


@pytest.mark.parametrize("command", [("show",), ("ack",), ("fix", "--note", "n")])
def test_an_unknown_id_is_refused_with_the_nearest(
    harness: Harness, store: Location, command: tuple[str, ...]
) -> None:
    (change,) = listed(harness)
    answer = harness("changes", *command, change["id"][:-1] + "x")
    assert answer.code == 2
    assert f"did you mean '{change['id']}'" in answer.err


def test_a_decision_hides_a_change(harness: Harness, store: Location) -> None:
    """The list says that it hides one; the newest decision counts."""
    (change,) = listed(harness)
    answer = harness("changes", "ack", change["id"][:5])
    assert (answer.code, answer.err) == (0, "")
    assert "acknowledged by Ada L." in answer.out
    answer = harness("changes", "list")
    assert answer.out == ""
    assert answer.err.startswith("no open change (1 more with a decision: --all lists them)")
    answer = harness("changes", "expect", change["id"], "--note", "twice the batch")
    assert answer.code == 0, answer.err
    (found,) = listed(harness, "--all")
    assert (found["state"], found["note"]) == ("expected", "twice the batch")
    document = harness("changes", "show", change["id"], "--format", "json").json
    assert [one["state"] for one in document["decisions"]] == ["acknowledged", "expected"]
    assert {one["author"] for one in document["decisions"]} == {"Ada L."}
    assert "expected: twice the batch (Ada L." in harness("changes", "show", change["id"]).out


def test_one_wrong_id_saves_no_decision(harness: Harness, store: Location) -> None:
    (change,) = listed(harness)
    answer = harness("changes", "fix", change["id"], "nonsense", "--note", "by the next commit")
    assert answer.code == 2
    assert [one["state"] for one in listed(harness)] == ["open"]


@pytest.mark.parametrize("command", ["expect", "fix"])
@pytest.mark.parametrize("note", [(), ("--note", "  ")])
def test_an_unexplained_decision_is_refused(
    harness: Harness, store: Location, command: str, note: tuple[str, ...]
) -> None:
    (change,) = listed(harness)
    answer = harness("changes", command, change["id"], *note)
    assert answer.code == 2
    assert "--note" in answer.err
    assert [one["state"] for one in listed(harness)] == ["open"]


def test_without_a_database_there_is_nothing_to_decide(harness: Harness, tmp_path: Path) -> None:
    answer = harness("changes", "ack", "abc")
    assert answer.code == 2
    assert "unknown change 'abc' (there is none)" in answer.err
    assert not (tmp_path / "results").exists()


def test_the_audit_says_what_would_be_healthy(
    harness: Harness, store: Location, host: Host, confirmation: Confirmation
) -> None:
    """The made-up commits are in no repository: what they touch is not known."""
    same = replace(confirmation, role=Role.SAME, verdict=Verdict.CONFIRMED, p=1e-5)
    with_night(store, host, confirmation, NightState.DONE)
    for _ in range(5):
        with_night(store, host, same, NightState.VOID)
    answer = harness("changes", "audit")
    assert answer.code == 0, answer.err
    assert "the control alarmed (5)" in answer.out
    assert "not known for 1 alert" in answer.out
    assert "none of them confirmed" in answer.out
    assert answer.err.startswith("6 nights: 1 of 7 findings suspicious")
    document = harness("changes", "audit", "--format", "json").json
    found = {one["name"]: one for one in document["findings"]}
    assert found["void"]["figures"]["count"] == 5
    assert found["void"]["health"] == "suspicious"
    assert found["same_confirmed"]["figures"]["total"] == 5
    later = harness("changes", "audit", "--since", "2027-01-01")
    assert (later.code, later.out) == (0, "")
    assert "no such night" in later.err


@pytest.mark.parametrize("command", ["list", "show", "audit"])
def test_every_key_of_a_document_is_in_its_section(
    harness: Harness, store: Location, host: Host, confirmation: Confirmation, command: str
) -> None:
    with_night(store, host, confirmation, NightState.DONE)
    (change,) = listed(harness)
    harness("changes", "ack", change["id"])
    arguments = {"list": ("--all",), "show": (change["id"],), "audit": ()}[command]
    document = harness("changes", command, *arguments, "--format", "json").json
    for one in [*document.get("changes", ()), document.get("change", {})]:
        one["axes"] = one["workload"] = None  # as in `show`
    if command == "show":
        document["change"] = None  # as in `list`
    named = section(JSON, f"`harness changes {command} --format json`")
    assert [key for key in keys_of(document) - {"version"} if f"`{key}`" not in named] == []


def test_without_nights_the_audit_says_so(harness: Harness) -> None:
    answer = harness("changes", "audit")
    assert (answer.code, answer.out) == (0, "")
    assert "no nights yet" in answer.err


def test_the_site_has_the_nights(
    harness: Harness, store: Location, host: Host, confirmation: Confirmation, tmp_path: Path
) -> None:
    with_night(store, host, confirmation, NightState.DONE)
    (change,) = listed(harness)
    harness("changes", "expect", change["id"], "--note", "twice the batch")
    assert harness("site").code == 0
    page = (tmp_path / "results/site/nights.html").read_text()
    assert ">confirmed</span> worse" in page
    assert "twice the batch" in page
