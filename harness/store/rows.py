"""Converts domain values to rows and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter

from harness.domain.cell import Cell, Scalar
from harness.domain.metric import Direction, Estimate
from harness.domain.result import Result, Round, Sample, Score, Status, StopRule
from harness.domain.run import Asked, Commit, Environment, Host, Run

if TYPE_CHECKING:
    from sqlalchemy import Row


class _Choice(BaseModel):
    """A choice in a cell's content, as Cell.to_json writes it."""

    name: str
    options: dict[str, Scalar | list[Scalar]]
    label: str


# The contents of JSON columns, which SQLite does not check.
_CELL = TypeAdapter(dict[str, _Choice | list[_Choice] | dict[str, int]])
_HOST = TypeAdapter(Host)
SPECS = TypeAdapter(dict[str, Asked])
_TEXTS = TypeAdapter(dict[str, str])


def host_of(row: Row[Any]) -> Host:
    """The host in a row."""
    return _HOST.validate_python(row.content)


def cell_of(row: Row[Any]) -> Cell:
    """The cell in a row; ValueError if its id is not the row's."""
    _CELL.validate_python(row.content)
    cell = Cell.from_json(row.content)
    if cell.id != row.id:
        raise ValueError("its content does not match its id")
    return cell


def environment_of(row: Row[Any]) -> Environment:
    """The environment in a run's or a ceiling's row."""
    return Environment(_TEXTS.validate_python(row.environment))


def run_values(run: Run) -> dict[str, Any]:
    """A run's row."""
    return {
        "commit_sha": run.commit.sha,
        "commit_date": run.commit.date,
        "branch": run.commit.branch,
        "subject": run.commit.subject,
        "dirty": run.commit.dirty,
        "host": run.host.fingerprint,
        "environment": dict(run.environment.versions),
        "environment_digest": run.environment.digest,
        "specs": {file: asdict(asked) for file, asked in run.specs.items()},
        "seed": run.seed,
        "harness_version": run.environment.versions.get("harness", ""),
        "command": run.command,
        "started": run.started,
        "finished": run.finished,
        "pid": run.pid,
        "pid_started": run.pid_started,
        "night": run.night,
    }


def run_of(row: Row[Any], hosts: Mapping[str, Host]) -> Run:
    """The run in a row."""
    return Run(
        commit=Commit(row.commit_sha, row.branch, row.commit_date, row.subject, row.dirty),
        host=hosts[row.host],
        environment=environment_of(row),
        started=row.started,
        seed=row.seed,
        specs=SPECS.validate_python(row.specs),
        command=row.command,
        finished=row.finished,
        pid=row.pid,
        pid_started=row.pid_started,
        night=row.night,
        id=row.id,
    )


def round_values(result: int, run: int, one: Round) -> dict[str, Any]:
    """A round's row, without the parts that have their own tables."""
    return {
        "result": result,
        "run": run,
        "position": one.index,
        "status": one.status.value,
        "reason": one.reason,
        "detail": one.detail,
        "notes": dict(one.notes),
        "started": one.started,
        "seconds": one.seconds,
    }


def round_of(
    row: Row[Any],
    samples: tuple[Sample, ...],
    scores: tuple[Score, ...],
    facts: Mapping[str, float],
    values: Mapping[str, float],
) -> Round:
    """The round in a row, with its samples, scores, facts and metrics."""
    return Round(
        index=row.position,
        status=Status(row.status),
        reason=row.reason,
        detail=row.detail,
        samples=samples,
        scores=scores,
        facts=facts,
        notes=_TEXTS.validate_python(row.notes),
        values=values,
        started=row.started,
        seconds=row.seconds,
    )


def sample_values(round_id: int, one: Round) -> list[dict[str, Any]]:
    """The rows of a round's samples."""
    return [
        {
            "round": round_id,
            "position": position,
            "section": sample.section,
            "seconds": sample.seconds,
            "warmup": sample.warmup,
        }
        for position, sample in enumerate(one.samples)
    ]


def score_values(round_id: int, one: Round) -> list[dict[str, Any]]:
    """The rows of a round's document scores."""
    return [
        {"round": round_id, "position": position, **asdict(score)}
        for position, score in enumerate(one.scores)
    ]


def metric_values(result: int, metrics: Mapping[str, Estimate]) -> list[dict[str, Any]]:
    """The rows of a result's metrics."""
    return [
        {
            "result": result,
            "name": name,
            "value": one.value,
            "low": one.low,
            "high": one.high,
            "unit": one.unit,
            "direction": one.direction.value,
            "rounds": one.rounds,
            "samples": one.samples,
        }
        for name, one in metrics.items()
    ]


def estimate_of(row: Row[Any]) -> Estimate:
    """The estimate in a row."""
    if (row.low is None) is not (row.high is None):
        raise ValueError("an interval with one bound")
    return Estimate(
        row.value, row.low, row.high, row.unit, Direction(row.direction), row.rounds, row.samples
    )


def result_of(
    row: Row[Any],
    run: Run,
    cell: Cell,
    metrics: Mapping[str, Estimate],
    rounds: tuple[Round, ...],
) -> Result:
    """The result in a row, with everything that belongs to it."""
    return Result(
        run=run,
        cell=cell,
        status=Status(row.status),
        reason=row.reason,
        detail=row.detail,
        stop_rule=StopRule(row.stop_rule) if row.stop_rule else None,
        baseline=row.baseline,
        metrics=metrics,
        rounds=rounds,
        id=row.id,
    )
