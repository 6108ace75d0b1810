"""Prints judged expectations: as lines, as a table, as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.cli.table import table
from harness.cli.words import estimate_text
from harness.domain.naming import short_names

if TYPE_CHECKING:
    from harness.domain.expectation import Bound, Judged
    from harness.domain.metric import Estimate
    from harness.plan.expectations import Judgement

JSON_VERSION = 1


def report(found: Judgement, *, quiet: bool = False) -> Iterator[str]:
    """A line for each failure, then the numbers of all verdicts; nothing if nothing was expected.

    If `quiet`, only the failures.
    """
    names = _names(found.judged)
    for one in found.failures:
        yield f"{one.verdict}: {names[one.cell.id]}: {_sentence(one)} ({one.expectation.where})"
    if not quiet and (found.judged or found.elsewhere):
        yield summary(found)


def summary(found: Judgement) -> str:
    """For example `expectations: 1 missed, 12 met; 2 for other hosts`."""
    counts = ", ".join(f"{number} {verdict}" for verdict, number in found.counts().items())
    others = f"{found.elsewhere} for other hosts" if found.elsewhere else ""
    return f"expectations: {'; '.join(part for part in (counts, others) if part)}"


def as_table(found: Judgement, style: str) -> str:
    """A row for each judged expectation, failures first."""
    names = _names(found.judged)
    hosts = {one.host.fingerprint for one in found.judged}
    headers = ["verdict", "cell", "expected", "found", "commit", "why", "where"]
    rows = [
        [
            str(one.verdict),
            names[one.cell.id],
            one.expectation.claim,
            _found(one),
            str(one.result.run.commit) if one.result else "",
            one.reason,
            one.expectation.where,
        ]
        for one in _worst_first(found.judged)
    ]
    if len(hosts) > 1:
        headers.append("host")
        judged = _worst_first(found.judged)
        rows = [[*row, str(one.host)] for row, one in zip(rows, judged, strict=True)]
    return table(headers, rows, style)


def document(found: Judgement) -> dict[str, Any]:
    """The JSON document; docs/json.md describes every key."""
    return {
        "version": JSON_VERSION,
        "expectations": [_object(one) for one in _worst_first(found.judged)],
        "counts": {str(verdict): number for verdict, number in found.counts().items()},
        "other_hosts": found.elsewhere,
    }


def _object(one: Judged) -> dict[str, Any]:
    expectation, estimate, result = one.expectation, _estimate(one), one.result
    return {
        "verdict": str(one.verdict),
        "reason": one.reason,
        "cell": one.cell.id,
        "axes": one.cell.labels,
        "workload": one.cell.load,
        "host": one.host.fingerprint,
        "where": expectation.where,
        "metric": expectation.metric or None,
        "min": _value(expectation.low),
        "max": _value(expectation.high),
        "expected_status": [str(status) for status in expectation.statuses],
        "required": expectation.required,
        "xfail": expectation.xfail or None,
        "status": str(result.status) if result else None,
        "value": estimate.value if estimate else None,
        "low": estimate.low if estimate else None,
        "high": estimate.high if estimate else None,
        "unit": estimate.unit if estimate else None,
        "commit": (result.run.commit.sha or None) if result else None,
    }


def _names(found: Iterable[Judged]) -> Mapping[str, str]:
    return short_names([*{one.cell.id: one.cell for one in found}.values()])


def _worst_first(found: Sequence[Judged]) -> list[Judged]:
    from harness.domain.expectation import Verdict

    order = [*Verdict]
    return sorted(found, key=lambda one: order.index(one.verdict))


def _sentence(one: Judged) -> str:
    """For example `tpot 16.2 ms [16.0, 16.4], expected at most 15ms`."""
    expected = f"expected {one.expectation.claim}"
    return "; ".join(part for part in (_found(one), expected, one.reason) if part)


def _found(one: Judged) -> str:
    """The metric's estimate, or the status."""
    estimate = _estimate(one)
    if estimate is not None:
        return f"{one.expectation.metric} {estimate_text(one.expectation.metric, estimate)}"
    return str(one.result.status) if one.result else ""


def _estimate(one: Judged) -> Estimate | None:
    return one.result.metrics.get(one.expectation.metric) if one.result else None


def _value(bound: Bound | None) -> float | None:
    return bound.value if bound else None
