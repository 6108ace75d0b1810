"""What a plan says of a cell that its launcher cannot run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.domain.result import Status
from harness.domain.run import Host
from harness.plan.feasible import Feasibility
from harness.spec.catalog import Catalog
from harness.spec.settings import Limits
from harness.spec.spec import Spec


@pytest.fixture
def obstacle(
    read: Callable[..., Spec], catalog: Catalog, host: Host
) -> Callable[..., tuple[Status, str] | None]:
    """Why the only cell with this parallelism is not tried."""

    def found(parallelism: str, scenario: str = "train") -> tuple[Status, str] | None:
        matrix = f"{{model: small, scenario: {scenario}, parallelism: {parallelism}}}"
        (cell,) = read(f"matrix: {matrix}\nworkload: {{batch: 2, prompt: 8}}").cells
        return Feasibility(host, catalog).obstacle(cell, Limits())

    return found


@pytest.mark.parametrize("launcher", ["torch", "spark", "{name: spark, master: a}"])
def test_a_launcher_runs_what_it_can(
    obstacle: Callable[..., tuple[Status, str] | None], launcher: str
) -> None:
    assert obstacle(f"{{data: 2, launcher: {launcher}}}") is None


@pytest.mark.parametrize(
    ("parallelism", "scenario", "reason"),
    [
        ("{launcher: spark}", "train", "spark has nothing to do in one process: give a degree"),
        ("{tensor: 2, launcher: spark}", "train", "spark splits by data, not by tensor"),
        (
            "{data: 2, launcher: {name: spark, master: a}}",
            "prefill",
            "launcher=spark(master=a) applies to training only, not to prefill",
        ),
    ],
)
def test_what_a_launcher_cannot_run_is_unsupported(
    obstacle: Callable[..., tuple[Status, str] | None],
    parallelism: str,
    scenario: str,
    reason: str,
) -> None:
    status, told = obstacle(parallelism, scenario) or (None, "")
    assert status is Status.UNSUPPORTED
    assert told.startswith(reason)


def test_a_launcher_that_is_not_installed_is_unsupported(
    obstacle: Callable[..., tuple[Status, str] | None],
    catalog: Catalog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(catalog.launcher["spark"], "package", "surely_not_installed")
    told = obstacle("{data: 2, launcher: spark}")
    expected = "spark is not installed here: `make launchers` installs it"
    assert told == (Status.UNSUPPORTED, expected)
