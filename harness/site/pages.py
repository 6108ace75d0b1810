"""The site's pages: their paths, order and content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from harness.domain.ceiling import Ceilings
from harness.domain.night import Night, Triage
from harness.domain.result import Result, Status
from harness.domain.run import Asked, Host, Run
from harness.domain.selfcheck import SelfCheck
from harness.metrics import registry as metrics
from harness.scenarios import registry as scenarios
from harness.site import ceilings, words
from harness.site.baseline import Places
from harness.site.cell_history import CellHistory, cell_histories, newest_first
from harness.site.cell_page import view
from harness.site.growth_page import growth_tables
from harness.site.leaderboard import Board, Headline, boards, charts_of
from harness.site.nights_page import nights_view

Context: TypeAlias = Mapping[str, object]
Checks: TypeAlias = Sequence[tuple[Host, SelfCheck]]


@dataclass(frozen=True)
class Page:
    """A page of the site. Its context is built when it is rendered, so memory holds only one."""

    path: str
    template: str
    context: Callable[[], Context]

    @property
    def root(self) -> str:
        """The relative path from the page to the site's top folder: "" or "../"."""
        return "../" * self.path.count("/")


@dataclass(frozen=True)
class Summary:
    """What was measured, at a glance."""

    hosts: tuple[Host, ...]
    newest: Run
    commits: int
    cells: int
    asked: tuple[Asked, ...]  # the specs whose results these are
    statuses: tuple[tuple[Status, int], ...]


def pages(
    results: Sequence[Result],
    checks: Checks,
    found: Sequence[Ceilings],
    version: str,
    headline: Headline,
    nights: Sequence[Night] = (),
    triage: Sequence[Triage] = (),
) -> Iterator[Page]:
    """All pages; the index comes last, so that it never links to a missing page."""
    histories = cell_histories(results)
    places: Places = {(one.cell.id, one.host.fingerprint): one for one in histories}
    for one in histories:
        metric = headline(one.cell.scenario.name)
        yield Page(one.page, "cell.html", _cell(one, places, metric, version))
    yield Page("failures.html", "failures.html", lambda: {"failures": failures(histories)})
    yield Page(
        "nights.html", "nights.html", lambda: {"view": nights_view(nights, triage, histories)}
    )
    yield Page("growth.html", "growth.html", lambda: {"tables": growth_tables(histories)})
    yield Page("ceilings.html", "ceilings.html", lambda: _ceilings(found))
    yield Page("about.html", "about.html", lambda: _about(checks))
    yield Page("index.html", "index.html", lambda: _index(results, histories, places, headline))


def headline(scenario: str) -> str:
    """The metric that ranks a scenario.

    Stored results may come from a plug-in that is no longer installed; their leaderboard is
    ranked by a metric that every built-in scenario has.
    """
    return scenarios[scenario].headline if scenario in scenarios else "tokens_per_second"


def failures(histories: Sequence[CellHistory]) -> list[tuple[Result, str, bool]]:
    """Every failure, newest first, with its cell's page and whether it is the cell's newest."""
    pages = {(one.cell.id, one.host.fingerprint): one for one in histories}
    return [
        (result, one.page, result is one.newest)
        for result in newest_first([result for one in histories for result in one.results])
        if result.status not in {Status.OK, Status.MEASURING}
        for one in [pages[result.cell.id, result.run.host.fingerprint]]
    ]


def summary(results: Sequence[Result], histories: Sequence[CellHistory]) -> Summary:
    """The summary of at least one result."""
    counts = Counter(one.newest.status for one in histories)
    specs = (spec for one in histories for spec in one.newest.run.specs.values())
    return Summary(
        hosts=tuple({one.host.fingerprint: one.host for one in histories}.values()),
        newest=newest_first(results)[0].run,
        commits=len({(r.run.commit.sha, r.run.commit.dirty) for r in results}),
        cells=len(histories),
        asked=tuple(dict.fromkeys(specs)),
        statuses=tuple((status, counts[status]) for status in Status if counts[status]),
    )


def _cell(one: CellHistory, places: Places, metric: str, version: str) -> Callable[[], Context]:
    return lambda: {"view": view(one, places, metric, version)}


def _index(
    results: Sequence[Result], histories: Sequence[CellHistory], places: Places, headline: Headline
) -> Context:
    if not histories:
        return {"summary": None, "boards": [], "charts": {}}
    shown: list[Board] = boards(histories, places, headline)
    drawn = {group.anchor: charts_of(group) for board in shown for group in board.groups}
    return {"summary": summary(results, histories), "boards": shown, "charts": drawn}


def _ceilings(found: Sequence[Ceilings]) -> Context:
    return {"tables": ceilings.tables(found), "kinds": ceilings.KINDS}


def _about(checks: Checks) -> Context:
    entries = [metrics[name] for name in words.ordered(set(metrics))]
    return {
        "statuses": list(words.STATUSES.items()),
        "checks": _by_host(checks),
        "metrics": [(words.title(m.name), words.better(m.direction), m.summary) for m in entries],
    }


def _by_host(checks: Checks) -> list[tuple[Host, list[SelfCheck]]]:
    hosts = {host.fingerprint: host for host, _ in checks}
    return [
        (host, [check for of, check in checks if of.fingerprint == name])
        for name, host in hosts.items()
    ]
