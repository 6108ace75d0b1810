"""The page of nights: what they found, the audit of their alarms, and decisions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType

from harness.domain.night import NightState, TriageState
from harness.site.build import build
from harness.site.cell_history import cell_histories
from harness.site.nights_page import nights_view


def test_the_newest_night_comes_first(sample: ModuleType) -> None:
    """Its controls are compared too, but are no suspects."""
    view = nights_view(sample.make_nights(), [], [])
    assert [line.night.state for line in view.nights] == [NightState.VOID, NightState.DONE]
    assert [(line.suspects, line.confirmed) for line in view.nights] == [(0, 0), (2, 1)]


def test_a_look_links_to_its_cell_if_that_has_a_page(sample: ModuleType) -> None:
    nights, cell = sample.make_nights(), sample.make_cell("decode")
    histories = cell_histories([sample.make_result(cell)])
    assert {look.page for look in nights_view(nights, [], histories).looks} == {histories[0].page}
    assert {look.page for look in nights_view(nights, [], []).looks} == {""}


def test_only_a_confirmed_look_says_worse_or_better(sample: ModuleType) -> None:
    looks = nights_view(sample.make_nights(), [], []).looks
    assert [look.effect for look in looks] == ["worse", "", "", ""]
    assert [look.ratio is None for look in looks] == [False, False, False, True]
    assert looks[0].ratio is not None
    assert looks[0].ratio.interval == "[1.08, 1.12]"


def test_the_newest_decision_about_a_change_counts(sample: ModuleType) -> None:
    """A decision about another commit stands beside it."""
    triage = sample.make_triage()
    other = replace(triage[0], commit="f" * 40)
    made = [one.made for one in nights_view([], [*triage, other], []).decisions]
    assert [(one.commit[0], one.state) for one in made] == [
        (triage[0].commit[0], TriageState.EXPECTED),
        ("f", TriageState.ACKNOWLEDGED),
    ]


def test_the_page_shows_nights_pairs_audit_and_decisions(
    sample: ModuleType, tmp_path: Path
) -> None:
    build(
        sample.make_database(),
        tmp_path,
        nights=sample.make_nights(),
        triage=sample.make_triage("doubles the <batch>"),
    )
    page = (tmp_path / "nights.html").read_text(encoding="utf-8")
    for text in (
        ">void</span>",
        ">confirmed</span> worse",
        ">accepted</span>",
        "[1.08, 1.12]",
        "Void nights",
        "1 of 2",
        "the repository is not at hand",
        "doubles the &lt;batch&gt;",
        ">expected</span>",
    ):
        assert text in page, text
    assert page.count('class="badge not-known"') > 0


def test_without_nights_the_page_says_what_to_run(tmp_path: Path) -> None:
    build([], tmp_path)
    assert "harness nightly" in (tmp_path / "nights.html").read_text(encoding="utf-8")
