"""What this host can do at best: looked up, measured where it is not known, kept."""

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
    """Measuring ended before all was measured."""

    hardware: Choice
    reason: str


Event: TypeAlias = Begun | Found | Missing | Failed
Teller: TypeAlias = Callable[[Event], None]
Names: TypeAlias = Mapping[Choice, Sequence[str]]
Limits: TypeAlias = Mapping[Choice, Sequence[Ceiling]]


@dataclass(frozen=True)
class Place:
    """Where ceilings hold: this host, this environment, this hardware."""

    host: Host
    environment: Environment
    hardware: Choice


def missing(found: Iterable[Ceiling], place: Place, *, again: bool = False) -> tuple[str, ...]:
    """The names of those that are still to be measured, beside the ones found.

    With `again` those too that are found, but known to be too low.
    """
    measured = [one for one in found if one.kind is CeilingKind.MEASURED]
    have = {one.name for one in measured if not (again and one.is_too_low)}
    names = wanted(place.hardware, place.host, this_processor())
    return tuple(name for name in names if name not in have)


def settle(
    store: Store,
    place: Place,
    names: Sequence[str],
    tell: Teller,
    seconds: float = SEARCH_SECONDS,
) -> None:
    """Measure these and store them, with what follows from them and what a data sheet says.

    Each is stored as it comes, so that nothing is lost where measuring is stopped. CeilingError
    where it could not be done; what was measured until then is stored.
    """
    before = {one.name: one for one in stored(store, place) if one.kind is CeilingKind.MEASURED}
    if names:
        tell(Begun(place.hardware, tuple(names), expected_seconds(names, seconds)))
        with closing(measure(place.hardware, names, seconds)) as answers:
            for answer in answers:
                if isinstance(answer, Found):
                    _save(store, place, [better(before.get(answer.ceiling.name), answer.ceiling)])
                tell(answer)
    others = derived(place.hardware, place.host, this_processor(), stored(store, place))
    _save(store, place, others)


def better(before: Ceiling | None, now: Ceiling) -> Ceiling:
    """The one to keep: what is known to be too low replaces nothing that is higher."""
    return before if before and now.is_too_low and before.value > now.value else now


def settled(
    store: Store,
    place: Place,
    names: Sequence[str],
    tell: Teller,
    seconds: float = SEARCH_SECONDS,
) -> tuple[Ceiling, ...]:
    """All that is known once these are measured, or as many as could be, which is told."""
    try:
        settle(store, place, names, tell, seconds)
    except CeilingError as error:
        tell(Failed(place.hardware, str(error)))
    return stored(store, place)


def lacking(db: Location, plan: Plan, host: Host, environment: Environment) -> Names:
    """By hardware of the cells to measure, the ceilings that are asked for and not stored."""
    asked = {item.cell.hardware for item in plan.of(Action.MEASURE) if item.measure.ceiling}
    places = [Place(host, environment, one) for one in sorted(asked, key=str)]
    with StoreReader(db) as store:
        names = {one.hardware: missing(stored(store, one), one) for one in places}
    return {choice: some for choice, some in names.items() if some}


def limits(
    store: Store, plan: Plan, host: Host, environment: Environment, names: Names, tell: Teller
) -> Limits:
    """What each hardware of the cells to measure can do at best; these are measured first.

    What cannot be measured is told, and only leaves the cells without that figure.
    """
    choices = dict.fromkeys(item.cell.hardware for item in plan.of(Action.MEASURE))
    places = [Place(host, environment, choice) for choice in choices]
    return {
        one.hardware: settled(store, one, names[one.hardware], tell)
        if one.hardware in names
        else stored(store, one)
        for one in places
    }


def stored(store: StoreReader, place: Place) -> tuple[Ceiling, ...]:
    """Those stored, of every kind."""
    return store.ceilings(place.host, place.environment, str(place.hardware))


def refuse(place: Place) -> None:
    """UsageError where the host has no such hardware."""
    entry = hardware.registry.of(place.hardware)
    if obstacle := entry.obstacle(place.host):
        raise UsageError(f"{place.hardware}: {obstacle}")


def why_no_theory(place: Place, found: Sequence[Ceiling]) -> str | None:
    """Why the place has no theoretical peak; None where it has one among those found."""
    if why := no_theory(place.hardware, place.host, this_processor()) or refutation(found):
        return why
    if any(one.kind is CeilingKind.THEORETICAL for one in found):
        return None
    return "the clock of the processor under load is not known"


def peaks(
    cell: Cell, host: Host, found: Sequence[Ceiling], facts: Mapping[str, float]
) -> Mapping[str, float]:
    """The measured ceilings of what the cell does, as facts of its rounds, where they are known.

    `peak_flops` in FLOP/s, of the format it computes in; `peak_bandwidth` in B/s, of reading its
    working set; both of all devices that it takes together. `facts` are the round's own.
    Empty if its processes use more threads than the hardware has: the ceilings do not apply to it.
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
    """Of reading what one pass of the cell does, where an iteration moves so many bytes.

    A pass finds in the caches what the pass before left there, unless they are emptied between.
    """
    scenario = scenarios.registry.of(cell.scenario)
    if scenario.cold:
        return measured.get(MEMORY_READ)
    return read_bandwidth(measured, moved / len(scenario.work(cell.load)))


def _save(store: Store, place: Place, found: Iterable[Ceiling]) -> None:
    store.save_ceilings(place.host, place.environment, str(place.hardware), tuple(found))
