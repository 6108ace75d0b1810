"""What a night reports as issues, and the alarm if nights go missing, played on a stage of stubs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.functional.actions import Played
from tests.functional.stage import Stage, night

RUN = "https://github.com/someone/transformer/actions/runs/7"


CHANGE: dict[str, Any] = {
    "cell": "8cb77d3051497668",
    "axes": {"scenario": "prefill", "precision": "fp32"},
    "metric": "ttft",
    "verdict": "confirmed",
    "role": "suspect",
    "ratio": 1.07,
    "low": 1.05,
    "high": 1.09,
    "p": 0.00002,
    "base": "aaaa111",
    "head": "bbbb222",
    "accepted": False,
    "worse": True,
}


def confirmed(stage: Stage, *changes: Mapping[str, Any], state: str = "done") -> Played:
    """Play a night that confirms these changes, and the reporting of them."""
    stage.answer(
        nightly={"row": datetime.now(UTC).isoformat(), "json": night(*changes, state=state)}
    )
    stage.measure()
    return stage.play("nightly.yml", "issues")


def test_a_confirmed_change_opens_one_issue(stage: Stage) -> None:
    """The control that was slowed on purpose opens none."""
    assert confirmed(stage, CHANGE).passed
    (issue,) = stage.issues()
    assert issue["title"] == "Regression: ttft of cell 8cb77d3051497668 on cpu"
    (body,) = issue["says"]
    for text in ("+7.0%", "+5.0% to +9.0%", "`aaaa111`", "`bbbb222`", "prefill", RUN):
        assert text in body


def test_the_second_night_comments_on_the_same_issue(stage: Stage) -> None:
    confirmed(stage, CHANGE)
    confirmed(stage, {**CHANGE, "head": "cccc333", "ratio": 1.08, "accepted": True})
    (issue,) = stage.issues()
    assert len(issue["says"]) == 2
    assert "A second night agrees" in issue["says"][1]
    assert "A second night agrees" not in issue["says"][0]


def test_a_closed_issue_is_not_commented_on(stage: Stage) -> None:
    confirmed(stage, CHANGE)
    (closed,) = stage.issues()
    (stage.folder / "issues.json").write_text(json.dumps([{**closed, "open": False}]))
    confirmed(stage, CHANGE)
    assert [len(one["says"]) for one in stage.issues()] == [1, 1]


def test_each_change_has_an_issue_of_its_own(stage: Stage) -> None:
    better = {**CHANGE, "ratio": 0.9, "worse": False}
    other = {**CHANGE, "metric": "peak_memory", "low": None, "high": None}
    confirmed(stage, better, other, {**CHANGE, "verdict": "inconclusive", "cell": "none"})
    assert [one["title"] for one in stage.issues()] == [
        "Improvement: ttft of cell 8cb77d3051497668 on cpu",
        "Regression: peak_memory of cell 8cb77d3051497668 on cpu",
    ]


def test_a_void_night_confirms_nothing(stage: Stage) -> None:
    assert confirmed(stage, CHANGE, state="void").passed
    assert stage.issues() == []


def test_a_verdict_of_unknown_name_is_an_error(stage: Stage) -> None:
    """A renamed verdict must not read as a quiet night."""
    played = confirmed(stage, {**CHANGE, "verdict": "CONFIRMED"})
    assert not played.passed
    assert "unknown verdict 'CONFIRMED'" in played.printed


def test_a_runner_that_delivered_nothing_fails_the_night(stage: Stage) -> None:
    """The changes that another runner confirmed are reported all the same."""
    stage.variables["vars.GPU_RUNNER"] = "a100"
    played = confirmed(stage, CHANGE)
    assert not played.passed
    assert "no night was delivered by: gpu" in played.printed
    assert len(stage.issues()) == 1


def aged(stage: Stage, days: float) -> None:
    """Date the note on the branch back."""
    folder = stage.checkout()
    stage.git("checkout", "--quiet", "-b", "mine", "origin/results", at=folder)
    file = folder / "nights" / "cpu.json"
    saved = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    file.write_text(json.dumps({**json.loads(file.read_text()), "saved": saved}))
    stage.git("commit", "--quiet", "--all", "-m", "Old", at=folder)
    stage.git("push", "--quiet", "origin", "mine:results", at=folder)


def test_the_alarm_is_silent_while_nights_arrive(stage: Stage) -> None:
    stage.measure()
    assert stage.play("alarm.yml", "alarm").passed
    aged(stage, 2.9)
    assert stage.play("alarm.yml", "alarm").passed
    assert stage.issues() == []


def test_three_days_without_a_night_raise_one_alarm(stage: Stage) -> None:
    """The job fails each day; the issue is opened once, and closed when a night arrives."""
    stage.measure()
    aged(stage, 3.1)
    for _ in range(2):
        played = stage.play("alarm.yml", "alarm")
        assert not played.passed
        assert "::error::The last night of the runner `cpu` was saved at" in played.printed
    (issue,) = stage.issues()
    assert (issue["title"], issue["open"]) == ("No nightly results from cpu", True)
    assert len(issue["says"]) == 1
    stage.answer(nightly={"row": "later", "json": night()})
    stage.measure()
    assert stage.play("alarm.yml", "alarm").passed
    (issue,) = stage.issues()
    assert not issue["open"]


def test_a_runner_that_never_delivered_raises_the_alarm(stage: Stage) -> None:
    stage.variables["vars.GPU_RUNNER"] = "a100"
    stage.measure()
    played = stage.play("alarm.yml", "alarm")
    assert not played.passed
    assert [one["title"] for one in stage.issues()] == ["No nightly results from gpu"]


def test_the_alarm_sounds_where_there_is_no_branch(stage: Stage) -> None:
    assert not stage.play("alarm.yml", "alarm").passed
    assert [one["title"] for one in stage.issues()] == ["No nightly results from cpu"]
