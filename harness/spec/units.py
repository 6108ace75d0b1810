"""Durations, sizes and shares as people write them: `60s`, `16GiB`, `2%`."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema

from harness.errors import clipped

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_BYTES = {"B": 1} | {
    f"{prefix}{suffix}": base**power
    for suffix, base in (("B", 1000), ("iB", 1024))
    for power, prefix in enumerate("KMGT", start=1)
}
_NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,6})?"
_DURATION = rf"{_NUMBER} ?(?:{'|'.join(_SECONDS)})"
_SIZE = rf"{_NUMBER} ?(?:{'|'.join(_BYTES)})"
_PERCENT = rf"{_NUMBER} ?%"
# The JSON Schema also requires a value above zero, and a percentage of at most 100.
_SOME = r"(?=[0-9.]*[1-9])"
_AT_MOST_100 = r"(?=0{0,9}100(?:\.0{1,6})? ?%|0{0,10}[0-9]{1,2}(?:\.|[ %]))"
_WRITE_DURATION = "write a number with a unit, such as 500ms, 60s, 10m or 1.5h"
_WRITE_SIZE = "write a number with a unit, such as 512MiB, 16GiB or 2GB"
_WRITE_SHARE = "write a percentage such as 2%, or a share such as 0.02"


def duration(found: object) -> float:
    """The seconds in a duration such as `60s`; ValueError if it has no unit or is zero."""
    if isinstance(found, int | float) and not isinstance(found, bool):
        raise ValueError(f"{found} has no unit: {_WRITE_DURATION}")  # noqa: TRY004 - pydantic expects ValueError
    number, unit = _split(found, _DURATION, _WRITE_DURATION)
    seconds = number * _SECONDS[unit]
    if not seconds:
        raise ValueError(f"{found} is not above zero: {_WRITE_DURATION}")
    return seconds


def size(found: object) -> int:
    """The bytes in a size such as `16GiB`; ValueError if it has no unit or is zero."""
    if isinstance(found, int | float) and not isinstance(found, bool):
        raise ValueError(f"{found} has no unit: {_WRITE_SIZE}")  # noqa: TRY004 - pydantic expects ValueError
    number, unit = _split(found, _SIZE, _WRITE_SIZE)
    if not number:
        raise ValueError(f"{found} is not above zero: {_WRITE_SIZE}")
    return max(1, int(number * _BYTES[unit]))


def share(found: object) -> float:
    """The share in `2%` or 0.02; ValueError outside (0, 1]."""
    if isinstance(found, int | float) and not isinstance(found, bool):
        value = float(found)
    else:
        value = _split(found, _PERCENT, _WRITE_SHARE)[0] / 100
    if not 0 < value <= 1:
        raise ValueError(f"{found} is not above 0% and at most 100%: {_WRITE_SHARE}")
    return value


def size_text(count: float) -> str:
    """A number of bytes for display, e.g. `652 GiB`, `1.5 GiB`."""
    value, unit = float(count), "B"
    for bigger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, bigger
    return f"{value:.3g} {unit}" if value < 100 else f"{value:.0f} {unit}"


def _split(found: object, pattern: str, hint: str) -> tuple[float, str]:
    """The number and the unit; ValueError, with the hint, if `found` does not match."""
    if not isinstance(found, str) or not re.fullmatch(pattern, found):
        raise ValueError(f"{clipped(repr(found))} cannot be read: {hint}")
    unit = found.lstrip("0123456789.")
    return float(found.removesuffix(unit)), unit.strip()


Duration: TypeAlias = Annotated[
    float,
    BeforeValidator(duration),
    WithJsonSchema(
        {"type": "string", "pattern": f"^{_SOME}{_DURATION}$", "examples": ["500ms", "60s", "1.5h"]}
    ),
]
Size: TypeAlias = Annotated[
    int,
    BeforeValidator(size),
    WithJsonSchema(
        {"type": "string", "pattern": f"^{_SOME}{_SIZE}$", "examples": ["512MiB", "16GiB"]}
    ),
]
Share: TypeAlias = Annotated[
    float,
    BeforeValidator(share),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
                {"type": "string", "pattern": f"^{_SOME}{_AT_MOST_100}{_PERCENT}$"},
            ],
            "examples": ["2%", 0.02],
        }
    ),
]
