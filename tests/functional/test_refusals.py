"""What the system refuses: folders that are files, names too long, directories that are gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Harness

SPEC = """\
name: small
matrix:
  model: [nano]
  scenario: [prefill]
  compression: [{compression}]
workload: {{batch: [1], prompt: 16}}
measure: {{rounds: 1, max_rounds: 1, samples: 1, max_samples: 3, round_time: 1ms, ceiling: false}}
"""
LONG = "x" * 300


@pytest.fixture
def spec(tmp_path: Path) -> str:
    """A spec whose cell needs the cache: its model is prepared once."""
    (tmp_path / "small.yaml").write_text(SPEC.format(compression="int8-dynamic"))
    (tmp_path / "file").write_text("in the place of a folder")
    return "small.yaml"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("init", "file/mine.yaml"), "cannot write file/mine.yaml: "),
        (("init", f"{LONG}.yaml"), "File name too long"),
        (("site", "--out", "file"), "'file' is a file"),
        (
            ("site", "--out", "file/site"),
            "the site cannot be written to file/site: Not a directory",
        ),
        (("site", "--out", LONG), "File name too long"),
        (("show", "--db", f"{LONG}.sqlite"), "File name too long"),
        (("plan", "small.yaml", "--db", f"{LONG}.sqlite"), "File name too long"),
        (("run", "small.yaml", "--db", f"{LONG}.sqlite"), "File name too long"),
        (("ceiling", "--db", "file/x.sqlite"), "file"),
        (("plan", f"{LONG}.yaml"), "file name too long"),
        (("plan", "small.yaml", "--repo", LONG), "does not exist"),
        (("plan", f"{LONG}/*.yaml"), "file name too long"),
    ],
)
def test_a_file_that_the_system_refuses_is_named_in_one_error(
    harness: Harness, spec: str, arguments: tuple[str, ...], message: str
) -> None:
    """Exit code 2, as 1 says that a cell failed."""
    answer = harness(*arguments)
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err
    assert answer.err.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("setting", ["HARNESS_CACHE", "HOME", "XDG_CACHE_HOME"])
def test_a_cache_that_cannot_be_written_is_noticed_before_anything_is_measured(
    harness: Harness, env: dict[str, str], spec: str, tmp_path: Path, setting: str
) -> None:
    """And nothing is stored."""
    for name in ("HARNESS_CACHE", "XDG_CACHE_HOME"):
        env.pop(name, None)
    env[setting] = str(tmp_path / "file")
    for command in ("run", "selfcheck"):
        answer = harness(command, spec)
        assert answer.code == 2
        line = answer.err.splitlines()[-1]
        assert line.startswith(f"error: models cannot be kept in {tmp_path / 'file'}")
        assert line.endswith("set HARNESS_CACHE to another folder")
    assert not (tmp_path / "results").exists()


def test_a_cell_that_needs_no_cache_is_measured_without(
    harness: Harness, env: dict[str, str], spec: str, tmp_path: Path
) -> None:
    (tmp_path / "dense.yaml").write_text(SPEC.format(compression="none"))
    env["HARNESS_CACHE"] = str(tmp_path / "file")
    answer = harness("run", "dense.yaml")
    assert (answer.code, "1 ok" in answer.out) == (0, True), answer.err


@pytest.mark.parametrize("command", [("show",), ("plan", "small.yaml"), ("init",), ("site",)])
def test_a_working_directory_that_is_gone_is_no_fault_of_the_harness(
    env: dict[str, str], tmp_path: Path, command: tuple[str, ...]
) -> None:
    """Removed by another process, most likely a script's clean-up."""
    gone = tmp_path / "gone"
    gone.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "harness", *command],
        cwd=gone,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=gone.rmdir,
    )
    assert "Traceback" not in done.stderr
    assert (done.returncode, "error: " in done.stderr) in {(0, False), (2, True)}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may search every folder")
def test_a_folder_that_cannot_be_searched_is_named(harness: Harness, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    for arguments in (("show", "--db", "closed/x.sqlite"), ("plan", "closed/x.yaml")):
        answer = harness(*arguments)
        assert answer.code == 2
        assert "closed/x" in answer.err
        assert "Traceback" not in answer.err
    closed.chmod(0o700)


@pytest.mark.parametrize("seconds", ["nan", "inf", "-inf", "0", "-1", "1e308"])
def test_a_search_of_no_time_or_no_end_is_refused(
    harness: Harness, tmp_path: Path, seconds: str
) -> None:
    answer = harness("ceiling", "--seconds", seconds)
    assert answer.code == 2
    assert "Invalid value for '--seconds'" in answer.err
    assert "0.01<=x<=600" in answer.err
    assert not (tmp_path / "results").exists()
