"""The plan: what will be done with each cell, and why. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from harness.domain.cell import Cell
from harness.domain.result import Known, Status, Took
from harness.domain.run import Host
from harness.plan.expect import Expectation, Expected, Span
from harness.plan.feasible import Feasibility
from harness.spec.catalog import Catalog, registered
from harness.spec.narrow import names_of
from harness.spec.settings import Limits, Measure
from harness.spec.spec import Spec


class Action(StrEnum):
    """What is done with a cell."""

    MEASURE = "measure"
    REUSE = "reuse"
    SKIP = "skip"


@dataclass(frozen=True)
class Planned:
    """A cell, what will be done with it, and why."""

    cell: Cell
    action: Action
    reason: str
    measure: Measure
    limits: Limits
    specs: tuple[str, ...]  # names of the specs that ask for it
    status: Status | None = None  # what it will be: of a skip, or of the result reused
    expected: Expected | None = None  # of a cell to measure
    rounds_done: int = 0  # rounds that an earlier run left, and that count
    adopt: int | None = None  # the key in the store of the result that goes on with them
    baseline: str | None = None  # the id of the cell it is compared with
    weights: Mapping[str, str] = field(default_factory=dict)  # digest -> file, if it has any
    price: float | None = None  # US dollars an hour of all its devices, where known
    copy: int = 0  # to compare a cell with itself: which of them this is

    @property
    def span(self) -> Span:
        """Seconds that its missing rounds are expected to take; none if it is not measured."""
        return self.expected.span(self.rounds_done) if self.expected else Span()

    @property
    def key(self) -> str:
        """The cell's id, but for copies of it."""
        return f"{self.cell.id}#{self.copy}" if self.copy else self.cell.id


@dataclass(frozen=True)
class Plan:
    """The cells in order."""

    items: tuple[Planned, ...]

    def __iter__(self) -> Iterator[Planned]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def of(self, action: Action) -> tuple[Planned, ...]:
        """Those with that action."""
        return tuple(item for item in self.items if item.action is action)

    def counts(self) -> dict[Action, int]:
        """How many cells each action has; an action with none is left out."""
        counter = Counter(item.action for item in self.items)
        return {action: counter[action] for action in Action if counter[action]}

    def span(self) -> Span:
        """Seconds that the cells to measure are expected to take, one after the other."""
        return sum((item.span for item in self.items), Span())


@dataclass(frozen=True)
class Wanted:
    """A cell, as all the specs that share it want it."""

    cell: Cell
    measure: Measure
    limits: Limits
    specs: tuple[str, ...]
    baseline: str | None = None
    weights: Mapping[str, str] = field(default_factory=dict)
    price: float | None = None  # that some spec gives its hardware


def make_plan(
    specs: Sequence[Spec],
    host: Host,
    known: Mapping[str, Known],
    durations: Mapping[str, Took],
    fresh: bool = False,
    retry_failed: bool = False,
    catalog: Catalog | None = None,
    load: float = 0.0,
) -> Plan:
    """What to do with every cell of the specs on this host.

    `known` tells, by cell id, what is stored for this commit, host and environment; `durations`
    what cells took in earlier runs; `load` how many processes want a core now. `fresh` measures
    everything anew, `retry_failed` only what went wrong.
    """
    catalog = catalog or registered()
    feasibility = Feasibility(host, catalog)
    planned = []
    for wanted in shared(specs):
        obstacle = feasibility.obstacle(wanted.cell, wanted.limits)
        earlier = None if fresh else known.get(wanted.cell.id)
        if obstacle is not None:
            planned.append(_plan(wanted, Action.SKIP, obstacle[1], status=obstacle[0]))
        else:
            item = _decided(wanted, earlier, fresh, retry_failed)
            planned.append(_priced(item, feasibility))
    return Plan(tuple(_expecting(planned, Expectation(feasibility, durations, load))))


def shared(specs: Sequence[Spec]) -> list[Wanted]:
    """Every cell once, in order, with the strictest measure and the widest limits asked."""
    wanted: dict[str, Wanted] = {}
    for spec in specs:
        for cell in spec.cells:
            one = _wanted(cell, spec)
            held = wanted.get(cell.id)
            wanted[cell.id] = one if held is None else _merged(held, one)
    return list(wanted.values())


def _wanted(cell: Cell, spec: Spec) -> Wanted:
    held = {value for _, value in cell.model.options} if spec.weights else set()
    return Wanted(
        cell=cell,
        measure=spec.measure,
        limits=spec.limits,
        specs=(spec.name,),
        baseline=spec.baseline.get(cell.id),
        weights={digest: file for digest, file in spec.weights.items() if digest in held},
        price=_price(cell, spec.prices),
    )


def _merged(one: Wanted, other: Wanted) -> Wanted:
    return replace(
        one,
        measure=stricter(one.measure, other.measure),
        limits=wider(one.limits, other.limits),
        specs=tuple(dict.fromkeys(one.specs + other.specs)),
        baseline=one.baseline or other.baseline,
        weights=one.weights or other.weights,
        price=one.price or other.price,
    )


def _price(cell: Cell, prices: Mapping[str, float]) -> float | None:
    """That of the hardware as the plan prints it, else of its name alone."""
    if not prices:
        return None
    return next((prices[name] for name in names_of(cell.hardware) if name in prices), None)


def stricter(one: Measure, other: Measure) -> Measure:
    """Settings that satisfy both; what has no order (seed, allocator) is the first one's."""
    if one == other:
        return one
    return one.model_copy(
        update={
            "rounds": max(one.rounds, other.rounds),
            "max_rounds": max(one.max_rounds, other.max_rounds),
            "target_ci": min(one.target_ci, other.target_ci),
            "max_time": max(one.max_time, other.max_time),
            "round_time": max(one.round_time, other.round_time),
            "samples": max(one.samples, other.samples),
            "max_samples": max(one.max_samples, other.max_samples),
            "quality": one.quality or other.quality,
            "energy": one.energy or other.energy,
            "ceiling": one.ceiling or other.ceiling,
        }
    )


def wider(one: Limits, other: Limits) -> Limits:
    """Limits that let both through."""
    if one == other:
        return one
    memories = (one.memory, other.memory)
    return Limits.model_construct(
        timeout=max(one.timeout, other.timeout),
        memory=None if None in memories else max(size for size in memories if size is not None),
    )


def _decided(wanted: Wanted, earlier: Known | None, fresh: bool, retry_failed: bool) -> Planned:
    """Whether a cell that can be tried is measured, measured further, or reused."""
    if earlier is None:
        reason = "asked to measure anew" if fresh else "not measured yet"
        return _plan(wanted, Action.MEASURE, reason)
    if earlier.status is Status.MEASURING:
        reason = f"an earlier run left {earlier.rounds} of at least {wanted.measure.rounds} rounds"
        return replace(
            _plan(wanted, Action.MEASURE, reason),
            rounds_done=earlier.rounds,
            adopt=earlier.result,
        )
    if earlier.status is Status.OK and earlier.rounds < wanted.measure.rounds:
        asked = f"at least {wanted.measure.rounds} are asked"
        reason = f"measured with {earlier.rounds} rounds only; {asked}"
        return _plan(wanted, Action.MEASURE, reason)
    if earlier.status is Status.OK:
        reason = "measured already at this commit, host and environment"
    elif earlier.status is Status.SKIPPED:
        return _plan(wanted, Action.MEASURE, f"no longer skipped; before: {earlier.reason}")
    elif retry_failed:
        return _plan(wanted, Action.MEASURE, f"tried again; before: {_failure(earlier)}")
    else:
        reason = f"failed before: {_failure(earlier)}; --retry-failed tries again"
    return replace(_plan(wanted, Action.REUSE, reason, earlier.status), rounds_done=earlier.rounds)


def _failure(known: Known) -> str:
    return f"{known.status}: {known.reason}" if known.reason else str(known.status)


def _expecting(items: Sequence[Planned], expectation: Expectation) -> Iterator[Planned]:
    """The items, those to measure with what they are expected to take."""
    expected = _expected(items, expectation)
    longest: dict[str, int] = {}  # by baseline: it is measured as long as a cell compared with it
    for item in items:
        if item.baseline is not None and (found := expected.get(item.cell.id)):
            longest[item.baseline] = max(found.rounds[1], longest.get(item.baseline, 0))
    for item in items:
        if found := expected.get(item.cell.id):
            found = found.lasting(min(longest.get(item.cell.id, 0), item.measure.max_rounds))
        yield replace(item, expected=found)


def _expected(items: Sequence[Planned], expectation: Expectation) -> Mapping[str, Expected]:
    """By id of each cell to measure, what it takes alone; a shared model is prepared once."""
    found: dict[str, Expected] = {}
    prepared: set[tuple[object, ...]] = set()
    for item in items:
        if item.action is Action.MEASURE:
            prepares = _model(item.cell) not in prepared
            prepared.add(_model(item.cell))
            found[item.cell.id] = expectation.of(
                item.cell, item.measure, item.limits, prepares=prepares
            )
    return found


def _model(cell: Cell) -> tuple[object, ...]:
    """What cells share that load the same prepared model."""
    return (cell.model, cell.hardware, cell.compression, cell.operator, cell.precision)


def _priced(item: Planned, feasibility: Feasibility) -> Planned:
    """At a spec's price, else the data sheet's, of all devices that the cell takes."""
    if item.action is not Action.MEASURE:
        return item
    price = feasibility.price_per_hour(item.cell) if item.price is None else item.price
    if price is None:
        return item
    return replace(item, price=price * feasibility.devices(item.cell))


def _plan(wanted: Wanted, action: Action, reason: str, status: Status | None = None) -> Planned:
    return Planned(
        cell=wanted.cell,
        action=action,
        reason=reason,
        measure=wanted.measure,
        limits=wanted.limits,
        specs=wanted.specs,
        status=status,
        baseline=wanted.baseline,
        weights=wanted.weights,
        price=wanted.price,
    )
