"""What pairs of rounds showed, as text and as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.domain.night import Confirmation


def change_text(ratio: float | None) -> str:
    """The change in percent of the base's value: `+5.0%`; "" if it is unknown."""
    return "" if ratio is None else f"{ratio - 1:+.1%}"


def interval_text(low: float | None, high: float | None) -> str:
    """`[+4.1%, +5.9%]`; "" if there is no interval."""
    return "" if low is None or high is None else f"[{change_text(low)}, {change_text(high)}]"


def as_object(one: Confirmation) -> dict[str, Any]:
    """A confirmation for a JSON document; docs/json.md describes every key."""
    return {
        "role": one.role,
        "verdict": one.verdict,
        "reason": one.reason,
        "base": one.base.sha,
        "head": one.head.sha,
        "ratio": one.ratio,
        "low": one.low,
        "high": one.high,
        "p": one.p,
        "worse": one.is_worse,
        "accepted": one.accepted,
        "pairs": [
            {"head_first": pair.head_first, "base": pair.base, "head": pair.head}
            for pair in one.pairs
        ],
    }
