"""Rounds carried from a campaign to a dispatcher and back."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from harness.dispatch.campaign import Campaign, Event, Wanted
from harness.dispatch.port import Bounds, Dispatcher, Finished
from harness.domain.result import Round, Status
from harness.plan.plan import Planned
from harness.worker.messages import Job

# A round takes one job or several: its model is prepared, its split is checked, and then it is
# measured. A generator yields each job and is sent its round; it returns the round they all make.
# It yields None to wait for a job of another round, such as one that prepares the same model.
Steps = Generator[Job | None, Round | None, Round]
Start = Callable[[Planned, int], Steps]

_TRIES = 2  # of a job that is lost on the way


@dataclass
class _Flight:
    """A round that was begun, and the job of it that is in flight."""

    wanted: Wanted
    steps: Steps
    bounds: Bounds
    job: Job | None = None
    tries: int = 0


def drive(
    campaign: Campaign,
    dispatcher: Dispatcher,
    start: Start,
    bounds: Callable[[Planned], Bounds],
) -> Iterator[Event]:
    """Have the campaign's rounds measured, as many at a time as the dispatcher has slots.

    When the caller stops asking for events, all that is in flight is cancelled.
    """
    flights = _Flights(campaign, dispatcher)
    try:
        while True:
            while flights.count < dispatcher.slots and (wanted := campaign.next()) is not None:
                steps = start(wanted.item, wanted.index)
                flights.begin(_Flight(wanted, steps, bounds(wanted.item)))
                yield from campaign.events()
            yield from campaign.events()
            if not flights.count:
                return
            flights.land(dispatcher.wait())
            yield from campaign.events()
    finally:
        flights.cancel()


class _Flights:
    """All rounds that were begun and are not over."""

    def __init__(self, campaign: Campaign, dispatcher: Dispatcher) -> None:
        self._campaign, self._dispatcher = campaign, dispatcher
        self._flying: dict[int, _Flight] = {}  # by ticket
        self._waiting: list[_Flight] = []  # for another's job

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._flying) + len(self._waiting)

    def begin(self, flight: _Flight) -> None:
        """Submit its first job."""
        self._go_on(flight, None)

    def land(self, finished: Finished) -> None:
        """Go on with what the job was waited for; submit it again if it was lost, once."""
        flight = self._flying.pop(finished.ticket)
        assert flight.job is not None
        if finished.round is None and flight.tries < _TRIES:
            self._submit(flight, flight.job)
            return
        self._go_on(flight, finished.round or _lost(flight.job, finished))
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            self._go_on(one, None)

    def cancel(self) -> None:
        """End all of them."""
        for ticket in self._flying:
            self._dispatcher.cancel(ticket)
        for flight in (*self._flying.values(), *self._waiting):
            flight.steps.close()

    def _go_on(self, flight: _Flight, answer: Round | None) -> None:
        try:
            job = flight.steps.send(answer)
        except StopIteration as end:
            self._campaign.take(flight.wanted, end.value)
            return
        flight.tries = 0
        if job is None:
            self._waiting.append(flight)
        else:
            self._submit(flight, job)

    def _submit(self, flight: _Flight, job: Job) -> None:
        flight.job = job
        flight.tries += 1
        self._flying[self._dispatcher.submit(job, flight.bounds)] = flight


def _lost(job: Job, finished: Finished) -> Round:
    return Round(job.index, Status.CRASHED, f"{finished.why_lost}, twice")
