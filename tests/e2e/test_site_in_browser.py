"""The built site, opened from disk in a real browser.

Every test also holds that the page logs no error or warning and asks nothing of the network:
the fixture `open_site` checks it at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from harness.site.build import build

if TYPE_CHECKING:
    from playwright.sync_api import Page

OpenSite: TypeAlias = Callable[..., Any]  # makes an OpenPage, see conftest.py


def cell_page(site: Path, samples: ModuleType, scenario: str = "generate") -> Path:
    """The page of a cell that was measured at three commits."""
    cell = samples.make_cell(scenario)
    return site / "cells" / f"{cell.id}-{samples.LAPTOP.fingerprint}.html"


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    width: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return width


def test_every_chart_of_the_index_draws_its_marks(site_folder: Path, open_site: OpenSite) -> None:
    page = open_site().open(site_folder / "index.html")
    charts = page.locator("figure.chart")
    assert charts.count() == 14
    for index in range(charts.count()):
        chart = charts.nth(index)
        bars, dots = chart.locator(".mark-rect path"), chart.locator(".mark-symbol path")
        assert bars.count() + dots.count() >= 4
        box = (bars if bars.count() else dots).first.bounding_box()
        assert box is not None
        assert box["width"] > 3
        assert box["height"] > 3


def test_a_history_has_a_point_at_each_commit(
    site_folder: Path, site_samples: ModuleType, open_site: OpenSite
) -> None:
    page = open_site().open(cell_page(site_folder, site_samples))
    charts = page.locator("figure.history")
    assert charts.count() == 10
    for index in range(charts.count()):
        assert charts.nth(index).locator(".mark-symbol path").count() == 3
    labels = charts.first.locator(".role-axis-label text").all_text_contents()
    assert [text for text in labels if "a5c" in text] == ["1a5c1e9", "2a5c2e9", "3a5c3e9"]


def test_two_commits_make_a_history_of_two_points(
    site_samples: ModuleType, tmp_path: Path, open_site: OpenSite
) -> None:
    runs = [site_samples.make_run(commit) for commit in site_samples.COMMITS[:2]]
    build([site_samples.make_result(run=run) for run in runs], tmp_path)
    page = open_site().open(next((tmp_path / "cells").iterdir()))
    points = page.locator("figure.history").first.locator(".mark-symbol path")
    assert points.count() == 2
    boxes = [points.nth(index).bounding_box() for index in range(2)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[1]["x"] - boxes[0]["x"] > 50


def test_a_history_is_broken_and_labelled_where_the_environment_changed(
    site_samples: ModuleType, tmp_path: Path, open_site: OpenSite
) -> None:
    """Two lines of two commits each; the rule stands between them, its name above the plot."""
    commits = site_samples.COMMITS
    runs = [site_samples.make_run(commit, torch="2.12.0") for commit in commits[:2]]
    runs += [site_samples.make_run(commit) for commit in commits[1:]]
    build([site_samples.make_result(run=run) for run in runs], tmp_path)
    page = open_site().open(next((tmp_path / "cells").iterdir()))
    chart = page.locator("figure.history").first
    assert chart.locator(".mark-line path").count() == 2
    assert chart.locator(".mark-text.role-mark text").all_text_contents() == [
        "torch 2.12.0 → 2.13.0"
    ]
    points = chart.locator(".mark-symbol path")
    places = [box["x"] for point in points.all() if (box := point.bounding_box())]
    rule = chart.locator(".mark-rule.role-mark line[stroke-dasharray]").first.bounding_box()
    assert rule is not None
    assert places == sorted(places)
    assert places[1] < rule["x"] < places[2]


def test_the_curve_of_memory_bandwidth_has_a_point_a_size(
    site_folder: Path, open_site: OpenSite
) -> None:
    page = open_site().open(site_folder / "ceilings.html")
    assert page.locator("figure.curve .mark-symbol path").count() == 11


def test_pointing_at_a_commit_tells_its_subject(
    site_folder: Path, site_samples: ModuleType, open_site: OpenSite
) -> None:
    page = open_site().open(cell_page(site_folder, site_samples))
    page.locator("figure.history").first.locator(".mark-symbol path").nth(1).hover()
    page.locator("#vg-tooltip-element.visible").wait_for()
    assert "Fuse the QKV projection" in page.locator("#vg-tooltip-element").inner_text()


def test_every_sample_is_drawn(
    site_folder: Path, site_samples: ModuleType, open_site: OpenSite
) -> None:
    page = open_site().open(cell_page(site_folder, site_samples))
    charts = page.locator("figure.samples")
    assert charts.count() == 3
    drawn = charts.first.locator(".mark-symbol.role-mark path")
    assert drawn.count() == 3 * 23


def test_a_click_on_a_column_sorts_by_it_and_a_second_turns_it(
    site_folder: Path, open_site: OpenSite
) -> None:
    page = open_site().open(site_folder / "index.html")
    table = page.locator("table.ranking").first
    header = table.get_by_role("columnheader", name="Peak memory")
    rows = table.locator("tbody").first.locator("tr")
    ranks = rows.locator("td.rank")
    as_built = ranks.all_text_contents()
    speed = table.get_by_role("columnheader", name="TPOT")
    speed.get_by_role("button").click()
    assert speed.get_attribute("aria-sort") == "ascending"
    assert ranks.all_text_contents() == as_built
    speed.get_by_role("button").click()
    assert speed.get_attribute("aria-sort") == "descending"
    assert ranks.all_text_contents() == as_built[::-1]
    header.get_by_role("button").click()
    assert speed.get_attribute("aria-sort") is None


def test_sorting_leaves_failures_below_the_ranked(site_folder: Path, open_site: OpenSite) -> None:
    page = open_site().open(site_folder / "index.html")
    table = page.locator("table.ranking", has=page.locator(".badge.crashed"))
    table.get_by_role("columnheader", name="Operator").get_by_role("button").click()
    ranks = table.locator("td.rank").all_inner_texts()
    assert [rank.startswith("—") for rank in ranks] == [False] * 6 + [True] * 7


def test_the_filter_leaves_rows_that_hold_every_word(
    site_folder: Path, open_site: OpenSite
) -> None:
    page = open_site().open(site_folder / "index.html")
    page.get_by_label("Filter rows").fill("train BF16")
    shown = page.locator("tr[data-text]:visible")
    assert shown.count() == 4
    assert page.locator("section.board:visible").count() == 2
    assert page.locator("#found").inner_text() == "4 rows shown"
    page.get_by_label("Filter rows").fill("")
    assert page.locator("section.board:visible").count() == 8


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_follows_the_system_and_the_button_turns_it(
    site_folder: Path, open_site: OpenSite, scheme: str
) -> None:
    other = {"light": "dark", "dark": "light"}[scheme]
    page = open_site(scheme=scheme).open(site_folder / "index.html")
    charts = page.locator("figure.chart")
    assert charts.first.get_attribute("data-drawn") == scheme
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    bar = charts.first.locator(".mark-rect path").first.get_attribute("fill")
    page.get_by_role("button", name=f"Switch to the {other} theme").click()
    page.locator(f"figure.chart:not([data-drawn={other}])").first.wait_for(state="detached")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    assert charts.first.locator(".mark-rect path").first.get_attribute("fill") != bar
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == other


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize(
    "name", ["index.html", "ceilings.html", "nights.html", "failures.html", "about.html", "a cell"]
)
def test_no_page_scrolls_sideways(
    site_folder: Path,
    site_samples: ModuleType,
    open_site: OpenSite,
    name: str,
    width: int,
) -> None:
    path = cell_page(site_folder, site_samples) if name == "a cell" else site_folder / name
    assert overflow(open_site(width=width).open(path)) <= 0


@pytest.mark.parametrize("width", [360, 1280])
def test_hostile_text_stays_text(
    hostile_site_folder: Path, open_site: OpenSite, width: int
) -> None:
    paths = sorted(hostile_site_folder.rglob("*.html"))
    assert len(paths) == 11
    opened = open_site(width=width)
    for path in paths:
        page = opened.open(path)
        assert page.title() != "broken"
        assert page.locator("img").count() == 0
        assert overflow(page) <= 0, path
    page = opened.open(hostile_site_folder / "index.html")
    assert "<script>document.title='broken'</script>" in page.locator("main").inner_text()
    assert "{{ 7*7 }}" in page.locator("main").inner_text()


def test_pages_are_complete_without_scripts(site_folder: Path, open_site: OpenSite) -> None:
    opened = open_site(scripts=False)
    opened.page.goto((site_folder / "index.html").as_uri())
    assert opened.page.locator("table.ranking tbody tr").count() == 51
    assert opened.page.locator("figure.chart:visible").count() == 0
    assert opened.page.locator("#theme:visible, #filter:visible").count() == 0


def test_an_empty_site_opens_too(tmp_path: Path, open_site: OpenSite) -> None:
    page = open_site().open(build([], tmp_path))
    assert "Nothing has been measured yet" in page.locator("main").inner_text()


def test_the_keyboard_reaches_content_and_controls(site_folder: Path, open_site: OpenSite) -> None:
    page = open_site().open(site_folder / "index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    sort = page.locator("table.ranking thead button").nth(1)
    sort.focus()
    page.keyboard.press("Enter")
    header = page.locator("table.ranking thead th").nth(1)
    assert header.get_attribute("aria-sort") == "ascending"
