"""Which values are suspicious, what the controls compare, and what the summary says."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.analyse.levels import Level
from harness.cli.night_report import headline, markdown, summary
from harness.cli.pair_progress import NightProgress
from harness.dispatch.pairs import Comparison, Side
from harness.dispatch.run import Prepared
from harness.domain.cell import Cell, Choice
from harness.domain.location import Location
from harness.domain.metric import Direction, Estimate
from harness.domain.naming import short_names
from harness.domain.night import Confirmation, Kind, Night, NightState, Role, Verdict
from harness.domain.result import Result, Status
from harness.domain.run import Commit, Environment, Host, Run
from harness.night import nightly
from harness.night.nightly import NightOutcome, _suspects, controls
from harness.pipeline import Request
from harness.plan.plan import Action, Plan, Planned
from harness.spec.settings import Limits, Measure
from harness.subject.builds import Build

WHEN = datetime(2026, 3, 1, tzinfo=UTC)
HOST = Host("cpu", "x86_64", 2, 2, (), 2**30, "Linux")
HEAD, BASE = Commit("b" * 40, subject="Slower"), Commit("a" * 40, subject="Quick")
ENVIRONMENT = Environment({"torch": "2.13.0"})


def cell(prompt: int) -> Cell:
    return Cell(
        model=Choice("decoder", (("d_model", 64), ("heads", 2), ("layers", 2))),
        hardware=Choice("local"),
        scenario=Choice("decode"),
        parallelism=(),
        compression=(),
        operator=Choice("sdpa"),
        precision=Choice("fp32"),
        backend=Choice("eager"),
        workload=(("batch", 1), ("generate", 2), ("prompt", prompt)),
    )


def planned(prompt: int, status: Status | None = Status.OK) -> Planned:
    return Planned(cell(prompt), Action.REUSE, "", Measure(), Limits(), ("small",), status=status)


def prepared(*prompts: int) -> Prepared:
    plan = Plan(tuple(planned(prompt) for prompt in prompts))
    return Prepared((), HOST, ENVIRONMENT, HEAD, plan)


def result(prompt: int, tpot: float) -> Result:
    run = Run(HEAD, HOST, ENVIRONMENT, WHEN, 0)
    estimate = Estimate(tpot, None, None, "s", Direction.LOWER, 3, 30)
    return Result(run, cell(prompt), Status.OK, metrics={"tpot": estimate})


def test_a_value_outside_its_predicted_range_is_suspicious() -> None:
    """In either direction; a cell without a history is not judged."""
    tonight = {cell(p).id: result(p, t) for p, t in ((1, 1.0), (2, 1.3), (3, 0.7), (4, 9.9))}
    level = Level((1.0, 1.01, 0.99, 1.0), BASE)
    known = {(cell(p).id, "tpot"): level for p in (1, 2, 3, 5)}
    found, judged = _suspects(prepared(1, 2, 3, 4, 5), tonight, known)
    assert [one.item.cell.id for one in found] == [cell(2).id, cell(3).id]
    assert judged == 3
    assert all(one.level is level for one in found)


@pytest.mark.parametrize("minutes", [0, 5])
def test_who_follows_a_night_hears_that_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    """That is a night that began before this process did."""
    begins = datetime.now(UTC)
    pid_started = (begins + timedelta(minutes=minutes - 1)).timestamp()
    night = Night(Kind.NIGHTLY, HOST, ENVIRONMENT, HEAD, begins, pid_started=pid_started)
    heard: list[Night] = []
    for name, fake in {
        "specs_of": lambda _: (),
        "subject_of": lambda *_: SimpleNamespace(
            source=SimpleNamespace(commit=lambda _: HEAD), build=lambda _: None
        ),
        "locked": nullcontext,
        "Store": nullcontext,
        "begun": lambda *_: night,
        "_measured": lambda *_: None,
    }.items():
        monkeypatch.setattr(nightly, name, fake)
    watcher: Any = SimpleNamespace(building=lambda _: None, continued=heard.append)
    nightly.nightly(Request(("spec.yaml",), Location.file(Path("x.sqlite"))), watcher)
    assert heard == ([night] if minutes else [])


def test_the_controls_compare_the_head_with_itself() -> None:
    build = Build(HEAD, ENVIRONMENT, Path("python"))
    same, slowed = controls([], [planned(1), planned(2)], build, seed=3)
    assert (same.role, slowed.role) == (Role.SAME, Role.SLOWED)
    assert {same.base.build, same.head.build, slowed.base.build} == {HEAD.sha}
    assert (same.head.slowed, slowed.base.slowed) == (0.0, 0.0)
    assert slowed.head.slowed > 0.05
    assert same.item.cell == slowed.item.cell
    assert not same.item.measure.quality
    assert controls([], [], build, seed=3) == []


CONFIRMED = Confirmation(
    role=Role.SUSPECT,
    cell=cell(1),
    metric="tpot",
    unit="s",
    direction=Direction.LOWER,
    base=BASE,
    head=HEAD,
    verdict=Verdict.CONFIRMED,
    ratio=1.3,
    low=1.28,
    high=1.32,
    p=1e-6,
    value=1.3,
    predicted_low=0.98,
    predicted_high=1.02,
)


def outcome(
    *found: Confirmation, state: NightState = NightState.DONE, why: str = ""
) -> NightOutcome:
    night = Night(
        Kind.NIGHTLY, HOST, ENVIRONMENT, HEAD, WHEN, state=state, reason=why, confirmations=found
    )
    statuses = {cell(1).id: Status.OK, cell(2).id: Status.OK}
    return NightOutcome(night, statuses, judged=2, cells=())


def test_the_summary_begins_with_the_verdict() -> None:
    better = replace(CONFIRMED, ratio=0.7, low=0.69, high=0.71)
    assert headline(outcome()).startswith("no change confirmed at bbbbbbbbbb Slower")
    assert headline(outcome(CONFIRMED)).startswith("1 regression confirmed at bbbbbbbbbb")
    assert headline(outcome(CONFIRMED, better)).startswith("1 regression and 1 improvement")
    unclear = replace(CONFIRMED, verdict=Verdict.INCONCLUSIVE)
    assert headline(outcome(unclear)).startswith("no change confirmed")


def test_of_a_void_night_nothing_counts() -> None:
    found = outcome(CONFIRMED, state=NightState.VOID, why="a control failed")
    assert headline(found).startswith("VOID: a control failed; nothing counts")
    assert found.confirmed == []
    assert found.regressions == []


def test_a_commit_that_cannot_be_installed_is_said_first() -> None:
    assert "nothing measured" in headline(outcome(why="b could not be installed"))


@pytest.mark.parametrize("write", [summary, markdown])
def test_every_suspect_has_a_line(write) -> None:  # type: ignore[no-untyped-def]
    text = write(outcome(CONFIRMED, replace(CONFIRMED, cell=cell(2), accepted=True)))
    assert text.count("CONFIRMED") == 2
    assert text.count("+30.0% worse") == 2
    assert "a second must agree" in text
    assert "the new level" in text
    assert "2 of 2 left the expected range" in text


@pytest.mark.parametrize("write", [summary, markdown])
def test_a_lone_suspect_is_named_by_what_is_its_own(write) -> None:  # type: ignore[no-untyped-def]
    """Among all cells of the night, not among the suspects."""
    found = replace(outcome(CONFIRMED), cells=(cell(1), cell(2)))
    assert str(cell(1)) not in write(found)
    assert short_names([cell(1), cell(2)])[cell(1).id] in write(found)


def test_progress_names_a_lone_suspect_in_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    progress = NightProgress(quiet=False, verbose=False)
    progress.begin(prepared(1, 2))
    tonight = {cell(2).id: result(2, 1.3)}
    known = {(cell(2).id, "tpot"): Level((1.0, 1.01, 0.99, 1.0), BASE)}
    found, _ = _suspects(prepared(1, 2), tonight, known)
    capsys.readouterr()
    progress.suspicious(found)
    progress.comparing([Comparison(Role.SUSPECT, found[0].item, Side("a"), Side("b"))])
    progress.compared(replace(CONFIRMED, cell=cell(2)))
    lines = capsys.readouterr().err.splitlines()
    name = short_names([cell(1), cell(2)])[cell(2).id]
    assert lines[0].startswith(f"suspicious: {name}: tpot")
    assert lines[-1].startswith(f"{name}: confirmed")
