"""Why a metric that was asked for is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from harness.domain.cell import Cell
from harness.domain.metric import Direction, Estimate
from harness.domain.result import ASSUMED, Result, Round, Status
from harness.domain.run import Commit, Environment, Host, Run

ENERGY = Estimate(0.1, None, None, "J", Direction.LOWER, 1, 1)


def result(host: Host, cell: Cell, metrics: Mapping[str, Estimate]) -> Result:
    started = datetime(2026, 1, 5, tzinfo=UTC)
    run = Run(Commit(""), host, Environment({}), started, seed=0)
    notes = {"energy_per_token": "no counter", "host_governor": "powersave", ASSUMED: "2 heads"}
    return Result(run, cell, Status.OK, metrics=metrics, rounds=(Round(0, Status.OK, notes=notes),))


def test_its_rounds_tell_why(host: Host, make_cell: Callable[..., Cell]) -> None:
    """What they note of the host, and of what was assumed, is no metric."""
    assert result(host, make_cell(), {}).not_measured == {"energy_per_token": "no counter"}


def test_what_was_assumed_is_told_apart(host: Host, make_cell: Callable[..., Cell]) -> None:
    told = result(host, make_cell(), {})
    assert told.assumed == "2 heads"
    assert replace(told, rounds=()).assumed == ""


def test_one_round_that_was_too_short_does_not_matter(
    host: Host, make_cell: Callable[..., Cell]
) -> None:
    """Where the others made a figure."""
    assert result(host, make_cell(), {"energy_per_token": ENERGY}).not_measured == {}
