"""Formats figures for people: readable units, and as many digits as the interval supports."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from harness.domain.metric import Estimate

NONE = "—"


@dataclass(frozen=True)
class Scale:
    """A unit to print in: value / factor, followed by the symbol."""

    factor: float
    symbol: str


@dataclass(frozen=True)
class Figure:
    """A formatted estimate. `interval` is empty if there is none, or it has no width."""

    value: str
    unit: str
    interval: str
    raw: float


_PLAIN = Scale(1.0, "")
_SI = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_LADDERS = {
    "s": (Scale(1.0, "s"), Scale(1e-3, "ms"), Scale(1e-6, "µs"), Scale(1e-9, "ns")),
    "B": (
        Scale(2**40, "TiB"),
        Scale(2**30, "GiB"),
        Scale(2**20, "MiB"),
        Scale(2**10, "KiB"),
        Scale(1.0, "B"),
    ),
    "J": (Scale(1.0, "J"), Scale(1e-3, "mJ"), Scale(1e-6, "µJ")),
    "FLOP": (*(Scale(factor, f"{prefix}FLOP") for factor, prefix in _SI), Scale(1.0, "FLOP")),
    "FLOP/s": (*(Scale(factor, f"{prefix}FLOP/s") for factor, prefix in _SI), Scale(1.0, "FLOP/s")),
    "B/s": (*(Scale(factor, f"{prefix}B/s") for factor, prefix in _SI), Scale(1.0, "B/s")),
    "Hz": (*(Scale(factor, f"{prefix}Hz") for factor, prefix in _SI), Scale(1.0, "Hz")),
    "count": (
        Scale(1e9, "billion"),
        Scale(1e6, "million"),
        Scale(1e3, "thousand"),
        _PLAIN,
    ),
    "fraction": (Scale(1e-2, "%"),),
    "1": (_PLAIN,),
}

_SMALLEST_PERCENT = 1e-4  # below this share a power of ten is easier to read than a percentage


def scale_for(values: Iterable[float], unit: str) -> Scale:
    """One scale for all the values: the smallest value's.

    If the values are too far apart for one scale, it is the largest value's; format such values
    one by one.
    """
    sizes = [abs(value) for value in values if math.isfinite(value) and value]
    ladder = _LADDERS.get(unit, (Scale(1.0, unit),))
    if not sizes:
        return ladder[-1] if unit in {"B", "count", "FLOP"} else ladder[0]
    if unit == "fraction" and max(sizes) < _SMALLEST_PERCENT:
        return _PLAIN
    smallest = _fitting(min(sizes), ladder)
    return smallest if shares(sizes, smallest) else _fitting(max(sizes), ladder)


def shares(values: Iterable[float], scale: Scale) -> bool:
    """True if all values print with at most five digits before the point and one after it."""
    sizes = [abs(value) / scale.factor for value in values if math.isfinite(value) and value]
    return not sizes or (max(sizes) < 1e5 and min(sizes) >= 0.1)


def figure(estimate: Estimate, unit: str, scale: Scale | None = None) -> Figure:
    """The estimate, formatted in the given scale if that fits, else in its own best scale."""
    if scale is None or not shares([estimate.value], scale):
        scale = scale_for([estimate.value], unit)
    value, low, high = (
        None if one is None else one / scale.factor
        for one in (estimate.value, estimate.low, estimate.high)
    )
    assert value is not None
    places = decimals(value, None if low is None or high is None else (high - low) / 2)
    return Figure(
        value=number(value, places),
        unit=scale.symbol,
        interval=_interval(low, high, places),
        raw=estimate.value,
    )


def ratio(estimate: Estimate) -> Figure:
    """A speed-up, formatted: 1.84 with the unit ×."""
    places = 2 if estimate.value < 100 else 0
    interval = _interval(estimate.low, estimate.high, places)
    return Figure(number(estimate.value, places), "×", interval, estimate.value)


def no_interval(estimate: Estimate) -> str:
    """A note such as "2 rounds: no interval"; empty if there is an interval."""
    if estimate.low is not None and estimate.high is not None:
        return ""
    return f"{estimate.rounds} round{'' if estimate.rounds == 1 else 's'}: no interval"


def rounds_text(estimate: Estimate) -> str:
    """The number of rounds; says so if there is no interval."""
    return no_interval(estimate) or str(estimate.rounds)


def quantity(value: float, unit: str) -> str:
    """A single value with its unit, e.g. "12.3 ms"."""
    scale = scale_for([value], unit)
    scaled = value / scale.factor
    return f"{number(scaled, decimals(scaled, None))} {scale.symbol}".strip()


def number(value: float, places: int) -> str:
    """Digits with thousands separators; a power of ten for very small and very large values."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value and (abs(value) < 1e-3 or abs(value) >= 1e9):
        return f"{value:.2e}"
    return f"{value:,.{places}f}"


def decimals(value: float, half_width: float | None) -> int:
    """Decimal places for three significant digits, and up to two more if the interval is finer.

    Nobody compares more than five digits.
    """
    if not math.isfinite(value) or value == 0:
        return 0
    if half_width is None and float(value).is_integer() and abs(value) < 1e5:
        return 0
    # Rounded first, because 0.9996 prints as 1.00.
    places = max(0, 2 - math.floor(math.log10(float(f"{abs(value):.2e}"))))
    if half_width is not None and math.isfinite(half_width) and half_width > 0:
        finer = -math.floor(math.log10(half_width))
        places = min(max(places, finer), places + 2)
    return min(places, 6)


def percent(part: float) -> str:
    """A share as a percentage: "1.2 %"."""
    return f"{part * 100:.2g} %" if part < 0.995 else f"{part * 100:.0f} %"


def moment(when: datetime | None) -> str:
    """A time in UTC, to the minute."""
    if when is None:
        return NONE
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return aware.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def finite(value: float | None) -> float | None:
    """The value; None for NaN and infinity, which JSON cannot hold."""
    return value if value is not None and math.isfinite(value) else None


def _fitting(size: float, ladder: tuple[Scale, ...]) -> Scale:
    # 0.9995 rounds up to 1.00 at three digits, so it belongs to the scale above.
    return next((scale for scale in ladder if size >= scale.factor * 0.9995), ladder[-1])


def _interval(low: float | None, high: float | None, places: int) -> str:
    if low is None or high is None or low == high:  # a constant's interval has no width
        return ""
    return f"[{number(low, places)}, {number(high, places)}]"
