"""Bounds as people write them: `15ms`, `2GiB`, `40%`, or a number in the metric's unit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from harness.domain.expectation import Bound
from harness.errors import listed
from harness.metrics import Metric
from harness.spec.faults import shown

_PREFIXES = {"": "1", "k": "1e3", "M": "1e6", "G": "1e9", "T": "1e12", "P": "1e15"}
_BYTES = {"B": "1", "KB": "1e3", "MB": "1e6", "GB": "1e9", "TB": "1e12"} | {
    f"{prefix}iB": str(1024**power) for power, prefix in enumerate("KMGT", start=1)
}
# The factors from a unit that people write to the metric's unit, as decimals: 15ms is then exactly
# the number that 0.015 is.
_UNITS: Mapping[str, Mapping[str, str]] = {
    "s": {"s": "1", "ms": "1e-3", "us": "1e-6", "µs": "1e-6", "ns": "1e-9", "m": "60", "h": "3600"},
    "B": _BYTES,
    "B/s": {f"{unit}/s": factor for unit, factor in _BYTES.items()},
    "J": {"J": "1", "mJ": "1e-3", "uJ": "1e-6", "µJ": "1e-6", "kJ": "1e3"},
    **{
        unit: {f"{prefix}{unit}": factor for prefix, factor in _PREFIXES.items()}
        for unit in ("FLOP", "FLOP/s", "Hz")
    },
    "fraction": {"%": "1e-2"},
    "count": {"thousand": "1e3", "million": "1e6", "billion": "1e9"},
    "1": {},
}
# The units of a proposed bound, by size; other metrics get plain numbers.
_PROPOSED = {
    "s": ("s", "ms", "us", "ns"),
    "B": ("GiB", "MiB", "KiB", "B"),
    "J": ("J", "mJ", "uJ"),
}
_DIGITS = 3  # of a proposed bound
_LARGEST = 2**53  # beyond it, a whole number is written as 1.23e+20
_NUMBER = r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?"


def units_of(metric: type[Metric]) -> Mapping[str, str]:
    """The units that a bound of the metric may have, with their factors to the metric's unit."""
    printed = metric.printed_unit or metric.unit
    known = _UNITS.get(printed, _UNITS.get(metric.unit, {}))
    own = {one: "1" for one in (metric.unit, printed) if one not in _UNITS or one in known}
    return {**own, **known}


def read_bound(found: Any, metric: type[Metric]) -> Bound:
    """The bound in `15ms` or 0.015; ValueError, which says what is possible, for anything else."""
    units = units_of(metric)
    if isinstance(found, int | float) and not isinstance(found, bool):
        return Bound(float(found), f"{found} {metric.unit}" if metric.unit != "1" else f"{found}")
    match = re.fullmatch(_pattern(units), found) if isinstance(found, str) and units else None
    if match is None:
        raise ValueError(f"{shown(found)} cannot be read: {_hint(metric)}")
    number, unit = match.groups()
    return Bound(float(Decimal(number) * Decimal(units[unit])), found)


def bound_schema(metric: type[Metric]) -> dict[str, Any]:
    """The JSON Schema of a bound of the metric."""
    units = units_of(metric)
    number: dict[str, Any] = {"type": "number"}
    text = {"type": "string", "pattern": f"^{_pattern(units)}$"}
    return {"anyOf": [number, text]} if units else number


def proposed_bound(value: float, metric: type[Metric], *, upper: bool) -> str | float:
    """The value with three digits, rounded away from what the bound allows, as a spec writes it.

    An upper bound is at least the value once it is read again, a lower bound at most.
    """
    names = _PROPOSED.get(metric.unit, ())
    units = units_of(metric)
    unit = next((name for name in names if abs(value) >= float(units[name])), "")
    # As the shortest decimal that is this float: 0.0121 s is 12.1ms, not 12.1000000000000003.
    exact = Decimal(repr(value)) / Decimal(units.get(unit, "1"))
    step = Decimal(1).scaleb(exact.adjusted() - _DIGITS + 1) if exact else Decimal(1)
    rounded = (exact / step).to_integral_value(ROUND_CEILING if upper else ROUND_FLOOR) * step
    if not unit:
        whole = rounded == rounded.to_integral_value() and abs(rounded) < _LARGEST
        return int(rounded) if whole else float(rounded)
    return f"{rounded.normalize():f}{unit}"


def _pattern(units: Mapping[str, str]) -> str:
    return rf"({_NUMBER}) ?({'|'.join(map(re.escape, units))})"


def _hint(metric: type[Metric]) -> str:
    units = units_of(metric)
    plain = f"a number in {metric.unit}" if metric.unit != "1" else "a number"
    return f"write {plain}" + (f", or with a unit ({listed([*units])})" if units else "")
