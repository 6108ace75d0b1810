"""The plan: what will be done with each cell, and why. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from harness.domain.cell import Cell
from harness.domain.result import Known, Status, Took
from harness.domain.run import Host
from harness.plan.expect import Estimator, Expected, Span
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
    specs: tuple[str, ...]  # names of the specs that contain it
    status: Status | None = None  # of a skipped cell, or of the result to reuse
    expected: Expected | None = None  # of a cell to measure
    rounds_done: int = 0  # rounds of earlier runs that count
    adopt: int | None = None  # the store's key of the unfinished result to continue
    baseline: str | None = None  # the id of its baseline
    weights: Mapping[str, str] = field(default_factory=dict)  # digest -> path of the model's files
    price: float | None = None  # US dollars per hour of all its devices, if known
    copy: int = 0  # the number of this copy, when a cell is compared with itself

    @property
    def span(self) -> Span:
        """The expected time of its missing rounds; zero if it is not measured."""
        return self.expected.span(self.rounds_done) if self.expected else Span()

    @property
    def key(self) -> str:
        """The cell's id, with the number of the copy if it is one."""
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
        """The cells with this action."""
        return tuple(item for item in self.items if item.action is action)

    def counts(self) -> dict[Action, int]:
        """The number of cells of each action that has any."""
        counter = Counter(item.action for item in self.items)
        return {action: counter[action] for action in Action if counter[action]}

    def span(self) -> Span:
        """The expected time of all cells to measure, one after the other."""
        return sum((item.span for item in self.items), Span())


@dataclass(frozen=True)
class Wanted:
    """A cell with the combined settings of all specs that contain it."""

    cell: Cell
    measure: Measure
    limits: Limits
    specs: tuple[str, ...]
    baseline: str | None = None
    weights: Mapping[str, str] = field(default_factory=dict)
    price: float | None = None  # the first price that a spec gives its hardware


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
    """Decides what to do with every cell of the specs on this host.

    `known` are the results stored for this commit, host and environment, by cell id; `durations`
    are the times of cells in earlier runs; `load` is the number of processes that want a core now.
    `fresh` measures all cells again, `retry_failed` only those that failed.
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
    return Plan(tuple(_with_expected(planned, Estimator(feasibility, durations, load))))


def shared(specs: Sequence[Spec]) -> list[Wanted]:
    """Every cell once, in order, with the strictest measure and the widest limits of its specs."""
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
    """The price of the hardware as the plan prints it, else of its name alone."""
    if not prices:
        return None
    return next((prices[name] for name in names_of(cell.hardware) if name in prices), None)


def stricter(one: Measure, other: Measure) -> Measure:
    """Settings that satisfy both; seed and allocator, which have no order, are the first's."""
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
    """The larger of each limit; the default memory limit counts as the largest."""
    if one == other:
        return one
    memories = (one.memory, other.memory)
    return Limits.model_construct(
        timeout=max(one.timeout, other.timeout),
        memory=None if None in memories else max(size for size in memories if size is not None),
    )


def _decided(wanted: Wanted, earlier: Known | None, fresh: bool, retry_failed: bool) -> Planned:
    """Whether to measure a feasible cell, continue it, or reuse its result."""
    if earlier is None:
        reason = "asked to measure again" if fresh else "not measured yet"
        return _plan(wanted, Action.MEASURE, reason)
    if earlier.is_open:
        done, fewest = earlier.rounds, wanted.measure.rounds
        reason = f"an earlier run did {done} of at least {fewest} rounds"
        if done >= fewest:
            reason = f"the budget of an earlier run ended after {done} rounds"
        return replace(
            _plan(wanted, Action.MEASURE, reason),
            rounds_done=earlier.rounds,
            adopt=earlier.result,
        )
    if earlier.status is Status.OK and earlier.rounds < wanted.measure.rounds:
        asked = f"at least {wanted.measure.rounds} are asked for"
        reason = f"measured with only {earlier.rounds} rounds; {asked}"
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


def _with_expected(items: Sequence[Planned], estimator: Estimator) -> Iterator[Planned]:
    """The items, with the expected time of those to measure."""
    expected = _expected(items, estimator)
    longest: dict[str, int] = {}  # by baseline: its rounds go on while any cell needs them
    for item in items:
        if item.baseline is not None and (found := expected.get(item.cell.id)):
            longest[item.baseline] = max(found.rounds[1], longest.get(item.baseline, 0))
    for item in items:
        if found := expected.get(item.cell.id):
            found = found.with_rounds(min(longest.get(item.cell.id, 0), item.measure.max_rounds))
        yield replace(item, expected=found)


def _expected(items: Sequence[Planned], estimator: Estimator) -> Mapping[str, Expected]:
    """The expected times of the cells to measure, by id. A shared model is prepared once."""
    found: dict[str, Expected] = {}
    prepared: set[tuple[object, ...]] = set()
    for item in items:
        if item.action is Action.MEASURE:
            prepares = _model(item.cell) not in prepared
            prepared.add(_model(item.cell))
            found[item.cell.id] = estimator.expected(
                item.cell, item.measure, item.limits, prepares=prepares
            )
    return found


def _model(cell: Cell) -> tuple[object, ...]:
    """The choices that determine a prepared model."""
    return (cell.model, cell.hardware, cell.compression, cell.operator, cell.precision)


def _priced(item: Planned, feasibility: Feasibility) -> Planned:
    """Adds the price of all devices of the cell: by the spec's price, else the data sheet's."""
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
