"""The built wheel works outside the checkout."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the wheel is unpacked, ahead of the checkout on Python's path."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(REPO)]
    subprocess.run([*pip, *build], check=True)
    (wheel,) = folder.glob("*.whl")
    target = folder / "site"
    subprocess.run([*pip, "install", "--no-deps", "--target", str(target), str(wheel)], check=True)
    return target


def call(installed: Path, cwd: Path, *arguments: str) -> str:
    """What the wheel's own command prints."""
    env = {**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}
    env.pop("HARNESS_DB", None)
    done = subprocess.run(
        arguments, cwd=cwd, env=env, check=True, capture_output=True, text=True, timeout=240
    )
    return done.stdout


@pytest.mark.thorough
def test_the_wheel_measures_and_builds_a_site(installed: Path, tmp_path: Path) -> None:
    """It carries templates and example specs, and forks its workers from itself."""
    python = [sys.executable, "-c"]
    where = call(installed, tmp_path, *python, "import harness; print(harness.__file__)")
    assert Path(where.strip()).is_relative_to(installed)
    specs = call(
        installed,
        tmp_path,
        *python,
        "from harness.resources import specs; print(specs())",
    )
    smoke = Path(specs.strip()) / "smoke.yaml"
    assert smoke.is_relative_to(installed)
    command = str(installed / "bin" / "harness")
    brief = ["--only", "operator=sdpa", "--only", "scenario=prefill"]
    call(installed, tmp_path, command, "run", str(smoke), *brief)
    shown = json.loads(call(installed, tmp_path, command, "show", "--format", "json"))
    assert {one["status"] for one in shown["results"]} == {"ok"}
    call(installed, tmp_path, command, "site")
    assert "smoke" in (tmp_path / "results" / "site" / "index.html").read_text().lower()
    call(installed, tmp_path, command, "init", "mine.yaml")
    assert (tmp_path / "mine.yaml").exists()
