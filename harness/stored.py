"""Questions that stored results answer: none of them measures anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.analyse.audit import Finding
from harness.analyse.audit import audit as audited
from harness.dispatch.run import (
    Prepared,
)
from harness.domain.ceiling import Ceilings
from harness.domain.location import Location
from harness.domain.night import Night, Triage
from harness.domain.result import Result
from harness.domain.run import Host
from harness.domain.selfcheck import SelfCheck
from harness.errors import UsageError
from harness.host.machine import this_host
from harness.plan.expectations import (
    Judgement,
    SpecProposals,
    hosts_of,
    judgement,
    one_host,
    proposals_of,
)
from harness.spec.load import load
from harness.spec.selectors import selectors
from harness.store import Store, StoreReader
from harness.subject.touched import touches


def results(db: Location, *, newest_only: bool = True, samples: bool = False) -> list[Result]:
    """The stored results; none if there is no database yet."""
    with StoreReader(db) as stored:
        return stored.results(newest_only=newest_only, samples=samples)


def nights(db: Location) -> list[Night]:
    """All nights with what they found, in the order in which they began."""
    with StoreReader(db) as stored:
        return stored.nights()


def decisions(db: Location) -> list[Triage]:
    """People's decisions about changes, the latest saved last."""
    with StoreReader(db) as stored:
        return stored.triage()


def decide(db: Location, made: Iterable[Triage]) -> None:
    """Save people's decisions about changes."""
    with Store(db) as store:
        for one in made:
            store.save_triage(one)


def selfchecks(db: Location) -> list[tuple[Host, SelfCheck]]:
    """The newest self-check of each kind of machine and cell."""
    with StoreReader(db) as stored:
        return stored.selfchecks()


def all_ceilings(db: Location) -> tuple[Ceilings, ...]:
    """All stored ceilings, of every host."""
    with StoreReader(db) as stored:
        return stored.all_ceilings()


def audit(found: Sequence[Night], repo: Path | None = None) -> list[Finding]:
    """Whether the alarms of these nights behave like real changes.

    The repository of the measured commits is by default the harness's own.
    """
    return audited(found, touches(repo))


def judged_here(db: Location, prepared: Prepared) -> Judgement:
    """What the specs expect of this commit on this host and in this environment, judged."""
    if not any(spec.expectations for spec in prepared.specs):
        return Judgement()
    found = sorted(results(db, newest_only=False), key=lambda one: one.run.started, reverse=True)
    place = (prepared.commit.sha, prepared.commit.dirty, prepared.environment.digest)
    here = [
        one
        for one in found
        if (one.run.commit.sha, one.run.commit.dirty, one.run.environment.digest) == place
    ]
    return judgement(prepared.specs, here, [prepared.host])


def judged_stored(
    paths: Sequence[str], db: Location, overrides: Sequence[str], only: Sequence[str], host: str
) -> Judgement:
    """What the specs expect of the newest stored result of each cell and host, judged.

    `host` names the hosts, as in `expect`; "" means all hosts that have results of these cells, or
    this host if none has.
    """
    specs = load(paths, overrides, only)
    if not any(spec.expectations for spec in specs):
        raise UsageError("no spec expects anything: `harness expect propose` writes a block")
    found = results(db)
    return judgement(specs, found, hosts_of(specs, found, host) or [this_host()])


def proposals(
    paths: Sequence[str], db: Location, only: Sequence[str], metrics: Sequence[str], host: str
) -> list[SpecProposals]:
    """Ranges for each spec's cells from their history on one host, by default this one."""
    specs = load(paths, (), only)
    found = results(db, newest_only=False)
    place = one_host(specs, found, host) if host else this_host()
    return [proposals_of(one, found, place, metrics, selectors(one.file)) for one in specs]
