from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest

from harness.domain.result import Result
from harness.errors import UsageError
from harness.site.build import build
from harness.site.pages import headline


class Tags(HTMLParser):
    """The start tags of a page, with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def content(folder: Path) -> dict[str, bytes]:
    return {
        one.relative_to(folder).as_posix(): one.read_bytes()
        for one in folder.rglob("*")
        if one.is_file()
    }


def test_equal_results_give_equal_files(sample: ModuleType, tmp_path: Path) -> None:
    build(sample.make_database(), tmp_path / "one")
    build(sample.make_database(), tmp_path / "two")
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_every_cell_and_host_has_a_page_that_the_index_links_to(
    sample: ModuleType, tmp_path: Path
) -> None:
    index = build(sample.make_database(), tmp_path)
    linked = set(re.findall(r'href="(cells/[^"]+)"', index.read_text(encoding="utf-8")))
    assert linked == {f"cells/{one.name}" for one in (tmp_path / "cells").iterdir()}
    assert len(linked) == 51


def test_every_link_leads_to_a_file_of_the_site(sample: ModuleType, tmp_path: Path) -> None:
    build(sample.make_database(), tmp_path)
    for page in tmp_path.rglob("*.html"):
        for _, attributes in Tags(page.read_text(encoding="utf-8")).tags:
            target = attributes.get("href") or attributes.get("src")
            if target and not target.startswith(("#", "data:")):
                assert (page.parent / target).is_file(), f"{page}: {target}"


def test_the_site_of_an_empty_database_says_what_to_run(tmp_path: Path) -> None:
    index = build([], tmp_path)
    assert "harness run" in index.read_text(encoding="utf-8")


def test_pages_of_cells_that_are_gone_are_removed(sample: ModuleType, tmp_path: Path) -> None:
    build(sample.make_database(), tmp_path)
    build([sample.make_result()], tmp_path)
    assert len(list((tmp_path / "cells").iterdir())) == 1


def test_a_folder_of_other_files_is_left_alone(sample: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UsageError, match="no earlier site"):
        build([sample.make_result()], tmp_path)
    assert content(tmp_path) == {"thesis.tex": b"mine"}


def test_text_of_specs_and_hosts_never_becomes_markup(sample: ModuleType, tmp_path: Path) -> None:
    build(sample.make_hostile(), tmp_path)
    for page in tmp_path.rglob("*.html"):
        tags = Tags(page.read_text(encoding="utf-8")).tags
        assert not [tag for tag, _ in tags if tag == "img"], page
        scripts = [attributes for tag, attributes in tags if tag == "script"]
        assert all("src" in one or one.get("type") == "application/json" for one in scripts), page


def test_no_page_has_inline_handlers_styles_or_foreign_addresses(
    sample: ModuleType, tmp_path: Path
) -> None:
    build(sample.make_database(), tmp_path)
    for page in tmp_path.rglob("*.html"):
        for tag, attributes in Tags(page.read_text(encoding="utf-8")).tags:
            assert tag != "style"
            for name, value in attributes.items():
                assert not name.startswith("on"), (page, tag, name)
                assert name != "style", (page, tag)
                assert not (value or "").startswith(("http:", "https:", "//")), (page, value)


def test_chart_data_is_json_that_cannot_close_its_element(
    sample: ModuleType, tmp_path: Path
) -> None:
    index = build(sample.make_hostile(), tmp_path)
    found = re.findall(
        r'<script type="application/json">(.*?)</script>',
        index.read_text(encoding="utf-8"),
        re.DOTALL,
    )
    names = [value["name"] for spec in map(json.loads, found) for value in spec["data"]["values"]]
    assert any("</script>" in name for name in names)


def test_a_missing_quality_says_why_it_is_missing(sample: ModuleType, tmp_path: Path) -> None:
    index = build([sample.make_result(error=None)], tmp_path)
    assert "quality was not measured for this cell" in index.read_text(encoding="utf-8")


def test_failures_are_listed_with_their_reasons(sample: ModuleType, tmp_path: Path) -> None:
    build(sample.make_database(), tmp_path)
    page = (tmp_path / "failures.html").read_text(encoding="utf-8")
    for reason in ("died by SIGSEGV", "no result within 10 min", "needs a CUDA device"):
        assert reason in page


def test_a_failure_that_was_measured_again_says_so(sample: ModuleType, tmp_path: Path) -> None:
    first, second = (sample.make_run(commit) for commit in sample.COMMITS[:2])
    cell = sample.make_cell()
    build([sample.make_result(cell, second), sample.make_failure(cell, first)], tmp_path)
    assert "measured again since" in (tmp_path / "failures.html").read_text(encoding="utf-8")


def test_a_traceback_is_on_the_cells_page(sample: ModuleType, tmp_path: Path) -> None:
    failed = sample.make_failure(sample.make_cell(), sample.make_run(), detail="Traceback <here>")
    build([failed], tmp_path)
    [page] = (tmp_path / "cells").iterdir()
    assert "Traceback &lt;here&gt;</pre>" in page.read_text(encoding="utf-8")


def test_the_about_page_explains_every_status(tmp_path: Path) -> None:
    build([], tmp_path)
    about = (tmp_path / "about.html").read_text(encoding="utf-8")
    for status in ("timed out", "out of memory", "measuring", "unsupported"):
        assert f">{status}</span>" in about


def test_results_of_a_scenario_no_longer_installed_are_still_shown(
    sample: ModuleType, tmp_path: Path
) -> None:
    cell = sample.make_cell()
    cell = cell.replace(scenario=replace(cell.scenario, name="gone"))
    index = build([sample.make_result(cell)], tmp_path)
    assert ">gone</bdi>" in index.read_text(encoding="utf-8")
    assert headline("gone") == "tokens_per_second"


def test_five_hundred_results_make_five_hundred_pages(sample: ModuleType, tmp_path: Path) -> None:
    build(sample.make_many(500), tmp_path)
    assert len(list((tmp_path / "cells").iterdir())) == 500


def test_interference_is_shown_beside_the_figures(sample: ModuleType, tmp_path: Path) -> None:
    """As a mark on the leaderboard and as sentences on the cell's page, all escaped."""
    plain = sample.make_result()
    facts = {"host_others": 0.2, "flops": 3e9, "bytes_moved": 2e7}
    notes = {"energy_per_token": "no <counter>", "host_governor": "powersave"}
    rounds = tuple(replace(one, facts=facts, notes=notes) for one in plain.rounds)
    index = build([replace(plain, rounds=rounds)], tmp_path).read_text(encoding="utf-8")
    sentence = "other processes used 20% of the CPU in 3 of 3 rounds"
    fate = "3 of 3 rounds were disturbed; all count, because fewer than 3 were undisturbed"
    assert f'title="{sentence}; {fate}">disturbed</span>' in index
    [cell] = (tmp_path / "cells").iterdir()
    page = cell.read_text(encoding="utf-8")
    assert f"<li>{sentence}</li>" in page
    assert f"<li>{fate}</li>" in page
    assert "<bdi>no &lt;counter&gt;</bdi>" in page
    assert "<bdi>powersave</bdi>" in page
    assert "150 FLOP per byte" in page


def test_a_disturbed_round_is_marked(sample: ModuleType, tmp_path: Path) -> None:
    result = sample.make_result()
    busy = replace(result.rounds[1], facts={"host_steal": 0.2})
    rounds = (result.rounds[0], busy, result.rounds[2])
    build([replace(result, rounds=rounds)], tmp_path)
    (page,) = (tmp_path / "cells").glob("*.html")
    marked = [
        line for line in page.read_text(encoding="utf-8").splitlines() if ">disturbed<" in line
    ]
    assert ['<th scope="row">2</th>' in line for line in marked] == [True]


def test_a_round_that_never_settled_is_marked(sample: ModuleType, tmp_path: Path) -> None:
    result = sample.make_result()
    unsettled = replace(result.rounds[0], facts={"settled": 0.0})
    settled = [replace(one, facts={"settled": 1.0}) for one in result.rounds[1:]]
    build([replace(result, rounds=(unsettled, *settled))], tmp_path)
    (page,) = (tmp_path / "cells").glob("*.html")
    assert page.read_text().count("never settled") == 1


@pytest.mark.parametrize("apart", [True, False])
def test_a_speed_up_of_unpaired_rounds_is_marked(
    sample: ModuleType, tmp_path: Path, apart: bool
) -> None:
    """The baseline's rounds were not near in time, so the ratio includes drift."""
    base, cell = sample.make_cell(), sample.make_cell(operator="math")
    run = sample.make_run()

    def at(seconds: float, result: Result) -> Result:
        rounds = tuple(
            replace(
                one,
                values={"tokens_per_second": 100.0},
                started=run.started + timedelta(seconds=seconds + number),
            )
            for number, one in enumerate(result.rounds)
        )
        return replace(result, rounds=rounds)

    results = [
        at(0, sample.make_result(base, run, baseline=base.id)),
        at(1e5 if apart else 0.5, sample.make_result(cell, run, baseline=base.id)),
    ]
    build(results, tmp_path)
    assert (">unpaired<" in (tmp_path / "index.html").read_text()) is apart
