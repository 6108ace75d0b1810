"""Runs campaigns and rounds with a plain function in place of the dispatcher, job by job."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.dispatch.campaign import Campaign, Event
from harness.dispatch.drive import Steps
from harness.domain.result import Round
from harness.plan.plan import Planned
from harness.worker.messages import Job


def in_turn(campaign: Campaign, measure: Callable[[Planned, int], Round]) -> Iterator[Event]:
    """The campaign's events: each round and each finished cell."""
    while (wanted := campaign.next()) is not None:
        yield from campaign.events()
        campaign.take(wanted, measure(wanted.item, wanted.index))
        yield from campaign.events()
    yield from campaign.events()


def round_of(steps: Steps, do: Callable[[Job], Round]) -> Round:
    """The round that the steps return, if `do` does each of their jobs."""
    done: Round | None = None
    while True:
        try:
            job = steps.send(done)
        except StopIteration as end:
            result: Round = end.value
            return result
        assert job is not None
        done = do(job)
