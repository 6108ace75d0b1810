"""Campaigns and rounds whose jobs a plain function does, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.dispatch.campaign import Campaign, Event
from harness.dispatch.drive import Steps
from harness.domain.result import Round
from harness.plan.plan import Planned
from harness.worker.messages import Job


def in_turn(campaign: Campaign, measure: Callable[[Planned, int], Round]) -> Iterator[Event]:
    """Each round and each finished cell."""
    while (wanted := campaign.next()) is not None:
        yield from campaign.events()
        campaign.take(wanted, measure(wanted.item, wanted.index))
        yield from campaign.events()
    yield from campaign.events()


def answered(steps: Steps, does: Callable[[Job], Round]) -> Round:
    """The round, each of its jobs done so."""
    answer: Round | None = None
    while True:
        try:
            asked = steps.send(answer)
        except StopIteration as end:
            found: Round = end.value
            return found
        assert asked is not None
        answer = does(asked)
