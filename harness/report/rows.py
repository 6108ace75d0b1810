"""Results as flat rows: one for each metric of a result, or one for each raw sample."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from harness.domain.axis import AXES
from harness.domain.cell import WORKLOAD
from harness.domain.metric import Estimate
from harness.domain.result import Result, Round

Value: TypeAlias = str | int | float | bool | datetime | None
Row: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True)
class Flat:
    """A table: the type of each column, and its rows. Any value may be None."""

    columns: Mapping[str, type]
    rows: Iterable[Row]


_OF_CELL: dict[str, type] = {"cell": str}
_OF_RUN: dict[str, type] = {
    "commit": str,
    "commit_date": datetime,
    "branch": str,
    "subject": str,
    "dirty": str,
    "host": str,
    "host_name": str,
    "environment": str,
    "versions": str,
    "run": int,
    "started": datetime,
    "seed": int,
    "command": str,
}
_OF_RESULT: dict[str, type] = {"result": int, "status": str, "reason": str, "stop_rule": str}
_OF_METRIC: dict[str, type] = {
    "baseline": str,
    "metric": str,
    "value": float,
    "low": float,
    "high": float,
    "unit": str,
    "better": str,
    "rounds": int,
    "samples": int,
}
_OF_SAMPLE: dict[str, type] = {
    "round": int,
    "round_status": str,
    "round_started": datetime,
    "position": int,
    "section": str,
    "seconds": float,
    "warmup": bool,
}


def metric_rows(results: Sequence[Result], only: Sequence[str] = ()) -> Flat:
    """One row for each metric of each result; only these metrics, if any are named.

    A result without metrics, such as a failure, has one row without a metric. A metric that was
    asked for but not measured has a row without a value; its reason says why.
    """
    axes, wanted = _axes(results), {*only}
    columns = {**_OF_CELL, **_axis_columns(axes), **_OF_RUN, **_OF_RESULT, **_OF_METRIC}
    rows = (
        {**_shared(one, axes), **metric}
        for one in results
        for metric in _metrics(one)
        if not wanted or metric["metric"] in {*wanted, None}
    )
    return Flat(columns, rows)


def sample_rows(results: Sequence[Result]) -> Flat:
    """One row for each timed section of each iteration, warm-up included."""
    axes = _axes(results)
    columns = {**_OF_CELL, **_axis_columns(axes), **_OF_RUN, **_OF_RESULT, **_OF_SAMPLE}
    rows = (
        {**shared, **sample}
        for one in results
        for shared in (_shared(one, axes),)
        for measured in one.rounds
        for sample in _samples(measured)
    )
    return Flat(columns, rows)


def _axes(results: Iterable[Result]) -> list[str]:
    """All axes, with those that an outside package added."""
    return list(dict.fromkeys([*AXES, *(axis for one in results for axis in one.cell.labels)]))


def _axis_columns(axes: Iterable[str]) -> dict[str, type]:
    return {**dict.fromkeys(axes, str), **dict.fromkeys(WORKLOAD, int)}


def _shared(one: Result, axes: Iterable[str]) -> Row:
    run, cell = one.run, one.cell
    return {
        "cell": cell.id,
        **{axis: cell.labels.get(axis) for axis in axes},
        **{key: cell.load.get(key) for key in WORKLOAD},
        "commit": run.commit.sha or None,
        "commit_date": run.commit.date,
        "branch": run.commit.branch,
        "subject": run.commit.subject,
        "dirty": run.commit.dirty,
        "host": run.host.fingerprint,
        "host_name": str(run.host),
        "environment": run.environment.digest,
        "versions": json.dumps(dict(run.environment.versions), sort_keys=True),
        "run": run.id,
        "started": run.started,
        "seed": run.seed,
        "command": run.command,
        "result": one.id,
        "status": str(one.status),
        "reason": one.reason,
        "stop_rule": str(one.stop_rule) if one.stop_rule else None,
        "baseline": one.baseline,
    }


def _metrics(one: Result) -> Iterator[Row]:
    for name, estimate in sorted(one.metrics.items()):
        yield {"metric": name, **_figures(estimate)}
    for name, why in sorted(one.not_measured.items()):
        yield {"metric": name, "reason": why}
    if not one.metrics and not one.not_measured:
        yield {"metric": None}


def _figures(estimate: Estimate) -> Row:
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "unit": estimate.unit,
        "better": str(estimate.direction),
        "rounds": estimate.rounds,
        "samples": estimate.samples,
    }


def _samples(one: Round) -> Iterator[Row]:
    for position, sample in enumerate(one.samples):
        yield {
            "round": one.index,
            "round_status": str(one.status),
            "round_started": one.started,
            "position": position,
            "section": sample.section,
            "seconds": sample.seconds,
            "warmup": sample.warmup,
        }
