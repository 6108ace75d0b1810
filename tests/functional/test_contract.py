"""The package that docs/extending.md makes, installed, tested and run as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.registry import ROOMS

if TYPE_CHECKING:
    from tests.conftest import Harness

EXTENDING = Path(__file__).parents[2] / "docs" / "extending.md"
BLOCKS = re.findall(
    r"^```\w+\n# ([\w./]+)\n(.*?)^```$", EXTENDING.read_text(), re.MULTILINE | re.DOTALL
)
KINDS = re.findall(r'entry-points\."harness\.(\w+)"', EXTENDING.read_text())


@pytest.fixture(scope="module")
def shiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed it; its spec lies beside."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("shiny")
    for name, text in BLOCKS:
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(text)
    (source / "shiny" / "__init__.py").touch()
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(source)],
        check=True,
    )
    (target / "shiny.yaml").write_text((source / "shiny.yaml").read_text())
    return target


@pytest.fixture
def installed(shiny: Path, env: dict[str, str]) -> Path:
    """The same, for the commands of a test."""
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(shiny), env.get("PYTHONPATH", "")]))
    return shiny


def test_there_is_an_example_of_every_kind() -> None:
    assert sorted(KINDS) == sorted((*ROOMS, "axes"))
    examples = [name for name, _ in BLOCKS if name.endswith(".py")]
    assert len(examples) == len([*KINDS, "a model, which needs no entry"])


@pytest.mark.thorough
def test_every_example_keeps_the_contract(harness: Harness, installed: Path) -> None:
    """As its author would find out."""
    answer = harness("contract", "shiny", "--verbose")
    assert answer.code == 0, answer.out + answer.err
    for name in (
        *("operators-soft-cap", "compression-grid", "parallelism-deterministic", "launchers-lean"),
        *("backends-no-onednn", "scenarios-chunked-prefill", "hardware-half-cpu"),
        "metrics-fastest_time",
    ):
        assert f"[{name}] PASSED" in answer.out
    for claim in ("gives_the_models_logits[no-onednn]", "[soft-cap]", "[grid]"):
        assert claim in answer.out
    assert "sdpa" not in answer.out  # the harness's own are tested elsewhere


def test_every_example_runs(harness: Harness, installed: Path) -> None:
    """In real processes, beside the harness's own."""
    answer = harness("run", str(installed / "shiny.yaml"))
    assert answer.code == 0, answer.out + answer.err
    results = harness("show", "--format", "json").json["results"]
    assert [one["status"] for one in results] == ["ok", "ok", "ok"]
    assert all("fastest_time" in one["metrics"] for one in results)
    assert {one["axes"]["operator"] for one in results} == {"soft-cap(cap=30.0)", "sdpa", "own"}
    assert {one["axes"]["affinity"] for one in results} == {"pinned", "free"}


def test_a_broken_promise_is_told(
    harness: Harness, outside_package: Path, env: dict[str, str]
) -> None:
    """Of a package whose operators raise, hang and die, the first one that is asked."""
    env["PYTHONPATH"] = str(outside_package)
    env["PYTEST_ADDOPTS"] = "-k raises -x"
    answer = harness("contract", "harness-outside-operators")
    assert answer.code == 1
    assert "mischief managed" in answer.out


def test_a_package_that_adds_nothing_is_refused(harness: Harness) -> None:
    """With those that do."""
    answer = harness("contract", "numpy")
    assert answer.code == 2
    assert "unknown package with entries 'numpy'" in answer.err
