"""Begins a night, or goes on with one whose process was killed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from harness import pipeline
from harness.domain.night import Kind, Night, NightState
from harness.domain.run import Host
from harness.process import identity, is_alive
from harness.spec.load import Spec
from harness.store import Store
from harness.subject.builds import Build

# A night that was cut off longer ago than this is not continued: the machine has changed since.
_CONTINUED = timedelta(hours=12)


def begun(
    store: Store,
    kind: Kind,
    request: pipeline.Request,
    specs: Sequence[Spec],
    build: Build,
    host: Host,
) -> Night:
    """The night of this head on this host, new or continued."""
    pid, started = identity()
    now = datetime.now(UTC)
    fresh = Night(
        kind=kind,
        host=host,
        environment=build.environment,
        head=build.commit,
        started=now,
        specs=pipeline.asked(specs),
        command=pipeline.readable(request.command),
        pid=pid,
        pid_started=started,
    )
    for other in reversed(store.nights()):
        if _continues(other, fresh):
            night = replace(other, pid=pid, pid_started=started)
            store.resume_night(night)
            return night
    return store.begin_night(fresh)


def _continues(other: Night, fresh: Night) -> bool:
    """True if the other is the same night, and its process is gone."""
    return (
        other.state is NightState.RUNNING
        and not is_alive(other.pid, other.pid_started)
        and other.kind is fresh.kind
        and other.head.sha == fresh.head.sha
        and other.host.fingerprint == fresh.host.fingerprint
        and other.environment.digest == fresh.environment.digest
        and {one.digest for one in other.specs.values()}
        == {one.digest for one in fresh.specs.values()}
        and fresh.started - other.started < _CONTINUED
    )
