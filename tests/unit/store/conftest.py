"""A database, and values to store in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from harness.domain.location import Location
from harness.domain.metric import Direction, Estimate
from harness.domain.result import Round, Sample, Score, Status
from harness.domain.run import Asked, Commit, Environment, Gpu, Host, Run
from harness.store import Store

# Right-to-left, combining, outside the basic plane, a quote, a control character.
ODD = "مرحبا \u202e e\u0301 🦙 '; DROP TABLE run; -- \x07"


@pytest.fixture
def odd() -> str:
    """Text with unusual characters."""
    return ODD


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a database that does not exist yet, nor does its folder."""
    return tmp_path / "deep" / "harness.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """An open database."""
    with Store(Location.file(path)) as opened:
        yield opened


@pytest.fixture
def make_run(host: Host) -> Callable[..., Run]:
    """A run with every field filled, apart from the given changes."""

    def made(**changes: Any) -> Run:
        east = timezone(timedelta(hours=3))  # stored in UTC
        return replace(
            Run(
                commit=Commit(
                    "a" * 40, f"branch {ODD}", datetime(2026, 1, 5, 9, tzinfo=east), ODD, "d1147"
                ),
                host=replace(host, cpu=ODD, gpus=(Gpu(ODD, 2**33, "550.1"),)),
                environment=Environment({"torch": "2.13.0", "harness": "0.1.0"}),
                started=datetime(2026, 1, 5, 10, 0, 0, 123456, tzinfo=UTC),
                seed=7,
                specs={f"specs/{ODD}.yaml": Asked(ODD, f"Which {ODD}?", "9f2c")},
                command=f"harness run {ODD}",
                pid=4242,
                pid_started=1767600000.25,
            ),
            **changes,
        )

    return made


@pytest.fixture
def make_round() -> Callable[..., Round]:
    """A round with every field filled, apart from the given changes."""

    def made(index: int = 0, **changes: Any) -> Round:
        plain = Round(
            index=index,
            status=Status.OK,
            reason=ODD,
            detail=f"{ODD}\nline 2",
            samples=(
                Sample("latency", 0.1 + 0.2, warmup=True),
                Sample("latency", 5e-324),
                Sample("ttft", 1e300),
            ),
            scores=(
                Score(255, 300, 1e-300, 0.1 + 0.2, 0.0, 255, 0.0),
                Score(1, 2, 3.5, 4.5, -1e-9, 0, None),
            ),
            facts={"model_bytes": 2.0**60, "logit_error": float("inf"), ODD: -0.5},
            notes={"energy_per_token": ODD, ODD: ""},
            values={"latency": 0.1, ODD: 2.0},
            started=datetime(2026, 1, 5, 10, 1, tzinfo=UTC),
            seconds=1.5,
        )
        return replace(plain, **changes)

    return made


@pytest.fixture
def metrics() -> dict[str, Estimate]:
    """Two metrics: one with an interval, one without."""
    return {
        "latency": Estimate(0.2, 0.19, 0.21, "s", Direction.LOWER, 3, 60),
        "tokens_per_second": Estimate(2560.0, None, None, "1/s", Direction.HIGHER, 1, 20),
    }
