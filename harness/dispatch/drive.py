"""Carries rounds from a schedule to a dispatcher and back."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from harness.dispatch.campaign import NextRound
from harness.dispatch.port import Bounds, Dispatcher, Finished
from harness.domain.result import Round, Status
from harness.plan.plan import Planned
from harness.worker.messages import Job

# A round takes one job or several: prepare the model, check the split, measure. The generator
# yields each job, is sent the job's round, and returns the round that they make up together.
# It yields None to wait for a job of another round, such as one that prepares the same model.
Steps = Generator[Job | None, Round | None, Round]
Start = Callable[[Planned, int], Steps]

_TRIES = 2  # how often a job is submitted if the dispatcher loses it


E = TypeVar("E")  # the events of a schedule


class Schedule(Protocol[E]):
    """Decides which round runs next: a campaign, or pairs of rounds."""

    def next(self) -> NextRound | None:
        """A round that may run now; None while others are in flight, and at the end."""

    def take(self, wanted: NextRound, measured: Round) -> None:
        """Records a measured round."""

    def drop(self, wanted: NextRound) -> None:
        """Takes back a round that the budget cut off."""

    def events(self) -> list[E]:
        """The events since the last call, in order."""


@dataclass
class _Flight:
    """A round that has begun, and its job in flight."""

    wanted: NextRound
    steps: Steps
    is_cut: bool = False  # the budget bounds its last job, not the cell's own limit
    job: Job | None = None
    tries: int = 0


def drive(
    campaign: Schedule[E],
    dispatcher: Dispatcher,
    start: Start,
    bounds: Callable[[Planned], Bounds],
) -> Iterator[E]:
    """Measures the schedule's rounds, as many at a time as the dispatcher has slots.

    `bounds` is asked as each job begins. A round that takes longer than the run's budget allows is
    dropped: it says nothing about the cell.
    Cancels every job in flight when the caller stops asking for events.
    """
    flights = _Flights(campaign, dispatcher, bounds)
    try:
        while True:
            while flights.count < dispatcher.slots and (wanted := campaign.next()) is not None:
                steps = start(wanted.item, wanted.index)
                flights.begin(_Flight(wanted, steps))
                yield from campaign.events()
            yield from campaign.events()
            if not flights.count:
                return
            flights.land(dispatcher.wait())
            yield from campaign.events()
    finally:
        flights.cancel()


class _Flights:
    """All rounds that have begun and are not over."""

    def __init__(
        self,
        campaign: Schedule[Any],
        dispatcher: Dispatcher,
        bounds: Callable[[Planned], Bounds],
    ) -> None:
        self._campaign, self._dispatcher, self._bounds = campaign, dispatcher, bounds
        self._flying: dict[int, _Flight] = {}  # by ticket
        self._waiting: list[_Flight] = []  # for a job of another round

    @property
    def count(self) -> int:
        """How many rounds are in flight or waiting."""
        return len(self._flying) + len(self._waiting)

    def begin(self, flight: _Flight) -> None:
        """Submits the round's first job."""
        self._go_on(flight, None)

    def land(self, finished: Finished) -> None:
        """Hands the job's result to its round. Submits a lost job once more."""
        flight = self._flying.pop(finished.ticket)
        assert flight.job is not None
        if finished.round is None and flight.tries < _TRIES:
            self._submit(flight, flight.job)
            return
        self._go_on(flight, finished.round or _lost(flight.job, finished))
        waiting, self._waiting = self._waiting, []
        for other in waiting:
            self._go_on(other, None)

    def cancel(self) -> None:
        """Cancels all rounds."""
        for ticket in self._flying:
            self._dispatcher.cancel(ticket)
        for flight in (*self._flying.values(), *self._waiting):
            flight.steps.close()

    def _go_on(self, flight: _Flight, answer: Round | None) -> None:
        try:
            job = flight.steps.send(answer)
        except StopIteration as end:
            if flight.is_cut and end.value.status is Status.TIMED_OUT:
                self._campaign.drop(flight.wanted)
            else:
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
        bounds = self._bounds(flight.wanted.item)
        flight.is_cut = bounds.is_cut
        self._flying[self._dispatcher.submit(job, bounds)] = flight


def _lost(job: Job, finished: Finished) -> Round:
    return Round(job.index, Status.CRASHED, f"{finished.why_lost}, twice")
