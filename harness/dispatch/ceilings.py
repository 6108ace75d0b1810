"""This host's ceilings: loads the stored ones, measures and stores the missing ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TypeAlias

from harness import compression, hardware, parallelism, scenarios
from harness.analyse.bandwidth import read_bandwidth
from harness.ceilings.measure import derived, expected_seconds, measure, no_theory, wanted
from harness.ceilings.messages import Found, Missing
from harness.dispatch.budget import Budget
from harness.domain.ceiling import (
    MEMORY_READ,
    SEARCH_SECONDS,
    Ceiling,
    CeilingKind,
    gemm,
    refutation,
    values,
)
from harness.domain.cell import Cell, Choice
from harness.domain.location import Location
from harness.domain.run import Environment, Host
from harness.errors import CeilingError, UsageError
from harness.host.machine import this_processor
from harness.plan.plan import Action, Plan
from harness.store import Store, StoreReader


@dataclass(frozen=True)
class Begun:
    """Measuring starts."""

    hardware: Choice
    names: tuple[str, ...]
    expected_seconds: float


@dataclass(frozen=True)
class Failed:
    """Measuring ended early."""

    hardware: Choice
    reason: str


@dataclass(frozen=True)
class PutOff:
    """The run's budget is too small to measure them."""

    hardware: Choice
    expected_seconds: float


Event: TypeAlias = Begun | Found | Missing | Failed | PutOff
Listener: TypeAlias = Callable[[Event], None]
Names: TypeAlias = Mapping[Choice, Sequence[str]]  # by hardware
ByHardware: TypeAlias = Mapping[Choice, Sequence[Ceiling]]


@dataclass(frozen=True)
class Place:
    """The host, environment and hardware for which ceilings hold."""

    host: Host
    environment: Environment
    hardware: Choice


def missing(found: Iterable[Ceiling], place: Place, *, again: bool = False) -> tuple[str, ...]:
    """The names of the ceilings that are still to be measured, given those found.

    With `again`, this includes ceilings that are found but known to be too low.
    """
    measured = [ceiling for ceiling in found if ceiling.kind is CeilingKind.MEASURED]
    have = {ceiling.name for ceiling in measured if not (again and ceiling.is_too_low)}
    names = wanted(place.hardware, place.host, this_processor())
    return tuple(name for name in names if name not in have)


def measure_and_store(
    store: Store,
    place: Place,
    names: Sequence[str],
    notify: Listener,
    seconds: float = SEARCH_SECONDS,
    limit: float = math.inf,
) -> None:
    """Measures and stores these ceilings, then those derived from them or from a data sheet.

    Stores each ceiling as soon as it is measured, so that nothing is lost if measuring is
    stopped. Raises CeilingError if measuring fails or takes more than `limit` seconds; the
    ceilings measured before stay stored.
    """
    before = {
        ceiling.name: ceiling
        for ceiling in stored(store, place)
        if ceiling.kind is CeilingKind.MEASURED
    }
    if names:
        notify(Begun(place.hardware, tuple(names), expected_seconds(names, seconds)))
        with closing(measure(place.hardware, names, seconds, limit)) as answers:
            for answer in answers:
                if isinstance(answer, Found):
                    _save(store, place, [better(before.get(answer.ceiling.name), answer.ceiling)])
                notify(answer)
    others = derived(place.hardware, place.host, this_processor(), stored(store, place))
    _save(store, place, others)


def better(before: Ceiling | None, now: Ceiling) -> Ceiling:
    """The ceiling to keep: one known to be too low never replaces a higher one."""
    return before if before and now.is_too_low and before.value > now.value else now


def stored_after_measuring(
    store: Store,
    place: Place,
    names: Sequence[str],
    notify: Listener,
    seconds: float = SEARCH_SECONDS,
    limit: float = math.inf,
) -> tuple[Ceiling, ...]:
    """Measures these ceilings, and returns all that are stored. Reports a failure as an event."""
    try:
        measure_and_store(store, place, names, notify, seconds, limit)
    except CeilingError as error:
        notify(Failed(place.hardware, str(error)))
    return stored(store, place)


def missing_by_hardware(db: Location, plan: Plan, host: Host, environment: Environment) -> Names:
    """The ceilings that cells to measure ask for and that are not stored, by hardware."""
    asked = {item.cell.hardware for item in plan.of(Action.MEASURE) if item.measure.ceiling}
    places = [Place(host, environment, choice) for choice in sorted(asked, key=str)]
    with StoreReader(db) as store:
        names = {place.hardware: missing(stored(store, place), place) for place in places}
    return {choice: absent for choice, absent in names.items() if absent}


def by_hardware(
    store: Store, plan: Plan, host: Host, environment: Environment, names: Names, notify: Listener
) -> ByHardware:
    """The ceilings of each hardware that a cell to measure needs. First measures those in `names`.

    Reports a ceiling that cannot be measured as an event: the cells then lack only that figure.
    """
    choices = dict.fromkeys(item.cell.hardware for item in plan.of(Action.MEASURE))
    places = [Place(host, environment, choice) for choice in choices]
    return {
        place.hardware: stored_after_measuring(store, place, names[place.hardware], notify)
        if place.hardware in names
        else stored(store, place)
        for place in places
    }


def expected_time(names: Names) -> float:
    """The seconds that measuring all these ceilings is expected to take."""
    return sum(expected_seconds(several, SEARCH_SECONDS) for several in names.values())


def around(names: Names, budget: Budget | None) -> tuple[Names, Names]:
    """The ceilings to measure before the first round, and those to measure after the last.

    They come first, so that rounds are quoted beside them, unless they would take too much of
    the budget.
    """
    if budget is None or budget.fits_ceilings_first(expected_time(names)):
        return names, {}
    return {}, names


def measure_last(
    store: Store,
    host: Host,
    environment: Environment,
    names: Names,
    notify: Listener,
    budget: Budget,
) -> None:
    """Measures the ceilings that fit into what is left of the budget, for the next run's rounds."""
    for choice, absent in names.items():
        seconds = expected_seconds(absent, SEARCH_SECONDS)
        if budget.fits_ceilings_last(seconds):
            place = Place(host, environment, choice)
            stored_after_measuring(store, place, absent, notify, limit=budget.left)
        else:
            notify(PutOff(choice, seconds))


def stored(store: StoreReader, place: Place) -> tuple[Ceiling, ...]:
    """All stored ceilings of the place, of every kind."""
    return store.ceilings(place.host, place.environment, str(place.hardware))


def refuse(place: Place) -> None:
    """Raises UsageError if the host has no such hardware."""
    entry = hardware.registry.of(place.hardware)
    if obstacle := entry.obstacle(place.host):
        raise UsageError(f"{place.hardware}: {obstacle}")


def why_no_theory(place: Place, found: Sequence[Ceiling]) -> str | None:
    """Why the place has no theoretical peak. None if one is among the ceilings found."""
    if why := no_theory(place.hardware, place.host, this_processor()) or refutation(found):
        return why
    if any(ceiling.kind is CeilingKind.THEORETICAL for ceiling in found):
        return None
    return "the processor's frequency under load is not known"


def peaks(
    cell: Cell, host: Host, found: Sequence[Ceiling], facts: Mapping[str, float]
) -> Mapping[str, float]:
    """The measured ceilings that apply to the cell, as facts of its rounds.

    `peak_flops`, in FLOP/s: the peak of the format that the cell computes in. `peak_bandwidth`, in
    B/s: the bandwidth of reading the cell's working set. Both are totals over all devices that the
    cell uses. `facts` are the round's own.
    Empty if the cell runs more processes than the hardware has threads: the ceilings do not apply
    to it.
    """
    entry = hardware.registry.of(cell.hardware)
    threads = entry.threads_on(host)
    world = parallelism.world_size(cell)
    if threads is not None and world > threads:
        return {}
    measured = values(found, CeilingKind.MEASURED)
    devices = entry.devices(world)
    each = {
        "peak_flops": measured.get(gemm(compression.compute_format(cell))),
        "peak_bandwidth": _bandwidth(cell, measured, facts.get("bytes_moved", math.inf) / devices),
    }
    return {fact: devices * value for fact, value in each.items() if value}


def _bandwidth(cell: Cell, measured: Mapping[str, float], moved: float) -> float | None:
    """The bandwidth of reading what one pass of the cell reads. An iteration moves `moved` bytes.

    A pass finds in the caches what the last pass left there, unless the scenario flushes them.
    """
    scenario = scenarios.registry.of(cell.scenario)
    if scenario.cold:
        return measured.get(MEMORY_READ)
    return read_bandwidth(measured, moved / len(scenario.work(cell.load)))


def _save(store: Store, place: Place, found: Iterable[Ceiling]) -> None:
    store.save_ceilings(place.host, place.environment, str(place.hardware), tuple(found))
