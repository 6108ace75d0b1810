"""Rounds go through the port: a dispatcher may return them in any order, and lose some."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace

import pytest

from harness.dispatch.budget import Budget
from harness.dispatch.campaign import Campaign, CellDone, Event, RoundDone
from harness.dispatch.drive import Steps, drive
from harness.dispatch.port import Bounds, Finished
from harness.dispatch.priority import Priority
from harness.dispatch.steps import single_job
from harness.domain.cell import Cell
from harness.domain.result import Round, Sample, Status
from harness.domain.run import Host
from harness.plan.plan import Action, Planned
from harness.spec.settings import Limits, Measure
from harness.worker.messages import Effort, Job

BOUNDS = Bounds(1.0, 1)


@dataclass
class Fake:
    """A dispatcher that returns the newest job first, each from another host, and loses some."""

    slots: int = 3
    losses: list[int] = field(default_factory=list)  # tickets of the jobs that it loses
    submitted: list[Job] = field(default_factory=list)
    flying: dict[int, Job] = field(default_factory=dict)
    most: int = 0  # the largest number of jobs in flight at once
    cancelled: list[int] = field(default_factory=list)

    def submit(self, job: Job, bounds: Bounds) -> int:
        assert bounds == BOUNDS
        ticket = len(self.submitted)
        self.submitted.append(job)
        self.flying[ticket] = job
        self.most = max(self.most, len(self.flying))
        return ticket

    def wait(self) -> Finished:
        ticket = max(self.flying)
        job = self.flying.pop(ticket)
        if ticket in self.losses:
            return Finished(ticket, None, "the machine went away")
        prompt = float(job.cell.load["prompt"])
        return Finished(
            ticket,
            Round(
                job.index,
                Status.OK,
                samples=(Sample("latency", prompt),),
                facts={"tokens": 1.0},
                host=host(f"machine {ticket}"),
            ),
        )

    def cancel(self, ticket: int) -> None:
        self.cancelled.append(ticket)
        del self.flying[ticket]


def host(name: str) -> Host:
    return Host(name, "x86_64", 2, 2, (), 2**34, "Linux")


@pytest.fixture
def planned(make_cell: Callable[..., Cell]) -> Callable[[int], Planned]:
    def made(prompt: int, **effort: object) -> Planned:
        cell = make_cell(workload=(("batch", 1), ("prompt", prompt)))
        measure = Measure.model_validate({"rounds": 3, "max_rounds": 3, **effort})
        return Planned(cell, Action.MEASURE, "", measure, Limits(), ())

    return made


def job_of(item: Planned, index: int) -> Job:
    return Job(item.cell, index, 0, Effort(0.1, 1, 1), quality=False)


def single(item: Planned, index: int) -> Steps:
    """A round of one job."""
    return single_job(job_of(item, index))


def driven(items: list[Planned], fake: Fake, start: Callable[..., Steps] = single) -> list[Event]:
    return list(drive(Campaign(items, {}, 0), fake, start, lambda _: BOUNDS))


def rounds(events: list[Event], item: Planned) -> list[Round]:
    return [e.round for e in events if isinstance(e, RoundDone) and e.item is item]


def test_rounds_in_any_order_reach_their_own_cells(planned: Callable[..., Planned]) -> None:
    """All cells get all their rounds, and each round names the host that measured it."""
    items = [planned(prompt) for prompt in (1, 2, 3, 4)]
    fake = Fake()
    happened = driven(items, fake)
    assert fake.most == 3
    for item in items:
        found = rounds(happened, item)
        assert [one.index for one in found] == [0, 1, 2]
        assert {one.samples[0].seconds for one in found} == {float(item.cell.load["prompt"])}
        assert len({one.host.cpu for one in found if one.host}) == 3
    ends = [event for event in happened if isinstance(event, CellDone)]
    assert {end.item.key for end in ends} == {item.key for item in items}
    assert {end.status for end in ends} == {Status.OK}


def test_a_pass_ends_before_the_next_begins(planned: Callable[..., Planned]) -> None:
    """However many slots there are, so that each cell's rounds lie a whole pass apart."""
    items = [planned(prompt) for prompt in range(1, 6)]
    fake = Fake(slots=99)
    driven(items, fake)
    order = [job.cell.id for job in fake.submitted]
    assert [set(order[i : i + 5]) for i in (0, 5, 10)] == [{item.cell.id for item in items}] * 3


def test_a_lost_job_is_submitted_again(planned: Callable[..., Planned]) -> None:
    """Under its own round number, while the others continue."""
    items = [planned(1), planned(2)]
    fake = Fake(losses=[1])
    happened = driven(items, fake)
    assert len(fake.submitted) == 7
    assert all(len(rounds(happened, item)) == 3 for item in items)
    assert all(one.status is Status.OK for item in items for one in rounds(happened, item))


def test_a_job_that_is_lost_twice_ends_its_cell(planned: Callable[..., Planned]) -> None:
    item = planned(1)
    happened = driven([item], Fake(losses=[0, 1]))
    (end,) = [event for event in happened if isinstance(event, CellDone)]
    assert (end.status, end.reason) == (Status.CRASHED, "the machine went away, twice")


def test_a_round_may_take_several_jobs_and_wait_for_another_rounds(
    planned: Callable[..., Planned],
) -> None:
    """Two cells share a model that the first of them prepares, once."""
    made: list[str] = []
    making: set[str] = set()

    def start(item: Planned, index: int) -> Steps:
        while making:
            yield None
        if not made:
            making.add("model")
            yield from single_job(replace(job_of(item, index), prepares=True))
            making.discard("model")
            made.append("model")
        return (yield from single_job(job_of(item, index)))

    items = [planned(1, rounds=1, max_rounds=1), planned(2, rounds=1, max_rounds=1)]
    fake = Fake()
    happened = driven(items, fake, start)
    assert [job.prepares for job in fake.submitted] == [True, False, False]
    assert all(len(rounds(happened, item)) == 1 for item in items)


class Hanging(Fake):
    """A dispatcher whose jobs all take too long."""

    def submit(self, job: Job, bounds: Bounds) -> int:
        return super().submit(job, replace(bounds, is_cut=False))

    def wait(self) -> Finished:
        done = super().wait()
        assert done.round is not None
        return replace(done, round=replace(done.round, status=Status.TIMED_OUT))


@pytest.mark.parametrize("is_cut", [True, False])
def test_a_round_that_the_budget_cuts_short_says_nothing_about_its_cell(
    planned: Callable[..., Planned], is_cut: bool
) -> None:
    """Unlike a round that took longer than the cell's own limit."""
    item, now = planned(1), [0.0]

    def bounds(_: Planned) -> Bounds:
        now[0] += 10.0  # each round uses the whole budget
        return replace(BOUNDS, is_cut=is_cut)

    campaign = Campaign([item], {}, 0, Priority(Budget(10.0, lambda: now[0])))
    happened = list(drive(campaign, Hanging(), single, bounds))
    (end,) = [event for event in happened if isinstance(event, CellDone)]
    assert end.status is (Status.MEASURING if is_cut else Status.TIMED_OUT)
    assert len(rounds(happened, item)) == (0 if is_cut else 1)


def test_closing_the_events_cancels_the_jobs_in_flight(planned: Callable[..., Planned]) -> None:
    fake = Fake()
    events = drive(Campaign([planned(n) for n in (1, 2, 3)], {}, 0), fake, single, lambda _: BOUNDS)
    next(events)
    assert isinstance(events, Generator)
    events.close()
    assert sorted(fake.cancelled) == [0, 1]  # job 2 has returned
    assert not fake.flying


def test_with_one_slot_one_round_is_in_flight(planned: Callable[..., Planned]) -> None:
    """Rounds on one host must run one at a time, or they would disturb each other."""
    items = [planned(prompt) for prompt in (1, 2, 3)]
    items = [replace(item, baseline=items[0].key) for item in items]
    fake = Fake(slots=1)
    driven(items, fake)
    assert fake.most == 1
    assert [job.index for job in fake.submitted] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
