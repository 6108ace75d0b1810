"""`--fail-on slower:3%`: the exit code of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analyse.outcomes import Outcome
from harness.cli.comparison import Row
from harness.errors import UsageError, unknown

# Regressions come first: a failure alone never hides one.
_CODES = {"slower": 3, "worse": 3, "failed": 1, "not-run": 1}
_SIZED = ("slower", "worse")


@dataclass(frozen=True)
class FailOn:
    """A reason to fail."""

    reason: str
    least: float = 0.0  # the least change, as a share: 0.03 is a factor of 1.03 either way

    def __str__(self) -> str:
        least = f" by {self.least * 100:.4g} % or more" if self.least else ""
        return f"{self.reason.replace('-', ' ')}{least}"

    @property
    def code(self) -> int:
        """The exit code: 3 for a regression, 1 for a cell without a figure."""
        return _CODES[self.reason]

    def holds(self, row: Row) -> bool:
        """True if the row is a reason to fail."""
        if self.reason == "failed":
            return row.verdict is Outcome.FAILED and row.head_fault
        if self.reason == "not-run":
            return row.verdict is Outcome.NOT_RUN and row.head_fault
        wanted = {Outcome.SLOWER} if self.reason == "slower" else {Outcome.SLOWER, Outcome.WORSE}
        return row.verdict in wanted and _change(row) >= self.least


def _change(row: Row) -> float:
    return max(row.ratio, 1 / row.ratio) - 1 if row.ratio else 0.0


def parse_fail_on(texts: Sequence[str]) -> list[FailOn]:
    """The reasons; UsageError for one that is none."""
    return [_parsed(text) for text in texts]


def _parsed(text: str) -> FailOn:
    reason, colon, least = text.partition(":")
    if reason not in _CODES:
        raise UsageError(f"--fail-on: {unknown('reason', reason, _CODES)}")
    if not colon:
        return FailOn(reason)
    if reason not in _SIZED:
        raise UsageError(f"--fail-on {text}: only {' and '.join(_SIZED)} take a size")
    return FailOn(reason, share_of(least, f"--fail-on {text}"))


def share_of(text: str, where: str) -> float:
    """The share in `3%` or `0.03`; UsageError, which begins with `where`, if it is neither."""
    from harness.spec.units import share

    try:
        number: object = float(text)
    except ValueError:
        number = text
    try:
        return share(number)
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from None


def failures(rows: Sequence[Row], reasons: Sequence[FailOn]) -> tuple[int, list[str]]:
    """The exit code, and a line for each reason that holds: `2 slower by 3% or more`."""
    found = [(one, sum(map(one.holds, rows))) for one in reasons]
    held = [(one, count) for one, count in found if count]
    code = max((one.code for one, _ in held), default=0)
    return code, [f"{count} {one}" for one, count in held]
