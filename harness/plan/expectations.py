"""Holds specs' expectations against stored results, and proposes bounds for their cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness import scenarios
from harness.analyse.expectations import Proposal, judged, proposal
from harness.domain.cell import Cell
from harness.domain.expectation import Judged, Verdict, is_named
from harness.domain.result import Result
from harness.domain.run import Host
from harness.errors import UnknownName, UsageError, listed
from harness.spec.spec import Spec


@dataclass(frozen=True)
class Judgement:
    """What the results say about all expectations of some specs."""

    judged: tuple[Judged, ...] = ()
    elsewhere: int = 0  # expectations that apply to none of the hosts

    @property
    def failures(self) -> list[Judged]:
        """The expectations for which the exit code is not 0."""
        return [one for one in self.judged if one.verdict.fails]

    def counts(self) -> Mapping[Verdict, int]:
        """How many have each verdict that occurs, failures first."""
        found = Counter(one.verdict for one in self.judged)
        return {verdict: found[verdict] for verdict in Verdict if verdict in found}


def judgement(
    specs: Iterable[Spec], results: Collection[Result], hosts: Sequence[Host]
) -> Judgement:
    """Judges every expectation on each host that it applies to.

    Of several results of a cell on a host, the first counts.
    """
    found: list[Judged] = []
    elsewhere = 0
    for spec in specs:
        found += judged(spec.expectations, spec.cells, results, hosts)
        elsewhere += sum(
            not any(one.applies_to(host) for host in hosts) for one in spec.expectations
        )
    return Judgement(tuple(found), elsewhere)


def hosts_of(specs: Iterable[Spec], results: Iterable[Result], name: str = "") -> list[Host]:
    """The hosts with results of the specs' cells; only those that `name` names, if it is given.

    UnknownName if there are hosts, but none with this name.
    """
    cells = {cell.id for spec in specs for cell in spec.cells}
    hosts = {
        one.run.host.fingerprint: one.run.host for one in results if one.cell.id in cells
    }.values()
    named = [host for host in hosts if not name or is_named(host, name)]
    if name and not named:
        raise UnknownName("host", name, (f"{host.fingerprint} ({host.cpu})" for host in hosts))
    return named


def one_host(specs: Iterable[Spec], results: Iterable[Result], name: str) -> Host:
    """The only host that `name` names; UsageError if there are several or none."""
    found = hosts_of(specs, results, name)
    if len(found) > 1:
        names = listed([host.fingerprint for host in found])
        raise UsageError(f"several hosts match {name!r}: write more of a fingerprint ({names})")
    return found[0]


@dataclass(frozen=True)
class SpecProposals:
    """The ranges in which a spec's cells are expected to stay on a host."""

    spec: Spec
    host: Host
    cells: Mapping[str, Sequence[Proposal]]  # by cell id
    # The values that select a cell, by its id; see spec/selectors.py.
    selectors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def proposals_of(
    spec: Spec,
    results: Iterable[Result],
    host: Host,
    metrics: Sequence[str],
    selectors: Mapping[str, Mapping[str, Any]],
) -> SpecProposals:
    """A proposal for each metric of each cell; without metrics, for its scenario's headline."""
    history: dict[str, list[Result]] = {}
    for one in results:
        if one.run.host.fingerprint == host.fingerprint:
            history.setdefault(one.cell.id, []).append(one)
    found = {
        cell.id: [
            proposal(history.get(cell.id, ()), metric) for metric in metrics or [_headline(cell)]
        ]
        for cell in spec.cells
    }
    return SpecProposals(spec, host, found, selectors)


def _headline(cell: Cell) -> str:
    return scenarios.registry[cell.scenario.name].headline
