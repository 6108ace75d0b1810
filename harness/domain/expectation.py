"""What a spec expects of its cells' results, and what the results say about it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from harness.domain.cell import Cell
from harness.domain.result import Result, Status
from harness.domain.run import Host

_FEWEST_DIGITS = 4  # of a fingerprint's beginning: fewer would match too many hosts
_MARKS = re.compile(r"\((?:R|TM|C)\)", re.IGNORECASE)  # as in Intel(R) Xeon(R)


class Verdict(StrEnum):
    """What a cell's result says about an expectation."""

    MISSED = "missed"  # the whole interval lies beyond a bound, or the status is another
    XPASS = "xpass"  # met, although the spec says that it fails
    MISSING = "missing"  # required, but not measured
    UNCLEAR = "unclear"  # the interval reaches across a bound, or nothing was measured
    XFAIL = "xfail"  # missed or missing, as the spec says
    MET = "met"  # the whole interval lies within the bounds, or the status is as expected

    @property
    def fails(self) -> bool:
        """True if the exit code must say so."""
        return self in {Verdict.MISSED, Verdict.XPASS, Verdict.MISSING}


@dataclass(frozen=True)
class Bound:
    """A limit of a metric's value."""

    value: float  # in the metric's unit
    text: str  # as the spec writes it


@dataclass(frozen=True)
class Expectation:
    """An entry of a spec's `expect`: cells, and a claim about each cell's result.

    The claim is one of these: the metric lies within the bounds; the status is one of `statuses`;
    or, if there is neither, the cell was measured.
    """

    where: str  # "specs/quick.yaml:7:5"
    cells: frozenset[str] = field(repr=False)  # their ids
    host: str = ""  # see `is_named`; "" for every host
    metric: str = ""
    low: Bound | None = None
    high: Bound | None = None
    statuses: tuple[Status, ...] = ()
    required: bool = False  # a cell that was not measured is a failure
    xfail: str = ""  # why it is expected to fail; "" if it is not

    @property
    def claim(self) -> str:
        """For example `tpot at most 15ms`, `status unsupported`, `measured`."""
        if self.statuses:
            return f"status {' or '.join(self.statuses)}"
        bounds = (("at least", self.low), ("at most", self.high))
        limits = " and ".join(f"{words} {bound.text}" for words, bound in bounds if bound)
        return f"{self.metric} {limits}" if self.metric else "measured"

    def applies_to(self, host: Host) -> bool:
        """True if results of this host are judged."""
        return not self.host or is_named(host, self.host)


@dataclass(frozen=True)
class Judged:
    """An expectation of one cell on one host, with what the result says about it."""

    expectation: Expectation
    cell: Cell
    host: Host
    verdict: Verdict
    reason: str  # why it is not simply met; "" if it is
    result: Result | None  # None if there is none


def is_named(host: Host, name: str) -> bool:
    """True if `name` begins the host's fingerprint, or is a word of its processor's or GPUs' names.

    Case does not matter. A beginning has at least four digits.
    """
    wanted = name.lower()
    models = " ".join([host.cpu, *(gpu.name for gpu in host.gpus)])
    if wanted in _MARKS.sub(" ", models).lower().split():
        return True
    return len(wanted) >= _FEWEST_DIGITS and host.fingerprint.startswith(wanted)
