"""The pages of the site: their paths, their order, and what each shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from harness.domain.result import Result, Status
from harness.domain.run import Asked, Host, Run
from harness.domain.selfcheck import SelfCheck
from harness.metrics import registry as metrics
from harness.scenarios import registry as scenarios
from harness.site import words
from harness.site.baseline import Places
from harness.site.cell_page import view
from harness.site.chronicle import Chronicle, chronicles, newest_first
from harness.site.growth_page import growth_tables
from harness.site.leaderboard import Board, Headline, boards, charts_of

Context: TypeAlias = Mapping[str, object]
Checks: TypeAlias = Sequence[tuple[Host, SelfCheck]]


@dataclass(frozen=True)
class Page:
    """A file of the site. Its context is made when it is rendered, to hold one at a time."""

    path: str
    template: str
    context: Callable[[], Context]

    @property
    def root(self) -> str:
        """The way from the page to the site's top folder: "" or "../"."""
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
    results: Sequence[Result], checks: Checks, version: str, headline: Headline
) -> Iterator[Page]:
    """Every page; the index comes last, so that it never links to what is not there yet."""
    told = chronicles(results)
    places: Places = {(one.cell.id, one.host.fingerprint): one for one in told}
    for one in told:
        metric = headline(one.cell.scenario.name)
        yield Page(one.page, "cell.html", _cell(one, places, metric, version))
    yield Page("failures.html", "failures.html", lambda: {"failures": failures(told)})
    yield Page("growth.html", "growth.html", lambda: {"tables": growth_tables(told)})
    yield Page("about.html", "about.html", lambda: _about(checks))
    yield Page("index.html", "index.html", lambda: _index(results, told, places, headline))


def headline(scenario: str) -> str:
    """The metric that ranks a scenario.

    Stored results may come from a plug-in that is no longer installed; their leaderboard is
    ranked by what every built-in scenario measures.
    """
    return scenarios[scenario].headline if scenario in scenarios else "tokens_per_second"


def failures(told: Sequence[Chronicle]) -> list[tuple[Result, str, bool]]:
    """Every result that is not ok, newest first, with its cell's page and whether it is
    still the cell's newest.
    """
    pages = {(one.cell.id, one.host.fingerprint): one for one in told}
    return [
        (result, one.page, result is one.newest)
        for result in newest_first([result for one in told for result in one.results])
        if result.status not in {Status.OK, Status.MEASURING}
        for one in [pages[result.cell.id, result.run.host.fingerprint]]
    ]


def summary(results: Sequence[Result], told: Sequence[Chronicle]) -> Summary:
    """Of at least one result."""
    counts = Counter(one.newest.status for one in told)
    return Summary(
        hosts=tuple({one.host.fingerprint: one.host for one in told}.values()),
        newest=newest_first(results)[0].run,
        commits=len({(r.run.commit.sha, r.run.commit.dirty) for r in results}),
        cells=len(told),
        asked=tuple(dict.fromkeys(spec for one in told for spec in one.newest.run.specs.values())),
        statuses=tuple((status, counts[status]) for status in Status if counts[status]),
    )


def _cell(one: Chronicle, places: Places, metric: str, version: str) -> Callable[[], Context]:
    return lambda: {"view": view(one, places, metric, version)}


def _index(
    results: Sequence[Result], told: Sequence[Chronicle], places: Places, headline: Headline
) -> Context:
    if not told:
        return {"summary": None, "boards": [], "charts": {}}
    shown: list[Board] = boards(told, places, headline)
    drawn = {group.anchor: charts_of(group) for board in shown for group in board.groups}
    return {"summary": summary(results, told), "boards": shown, "charts": drawn}


def _about(checks: Checks) -> Context:
    told = [metrics[name] for name in words.ordered(set(metrics))]
    return {
        "statuses": list(words.STATUSES.items()),
        "checks": _by_host(checks),
        "metrics": [(words.title(m.name), words.better(m.direction), m.summary) for m in told],
    }


def _by_host(checks: Checks) -> list[tuple[Host, list[SelfCheck]]]:
    hosts = {host.fingerprint: host for host, _ in checks}
    return [
        (host, [check for of, check in checks if of.fingerprint == name])
        for name, host in hosts.items()
    ]
