"""The tutorial, command by command, in a fresh folder, as a new user would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

pytestmark = [pytest.mark.nights, pytest.mark.timeout(1500)]

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text()
BLOCKS = re.findall(r"^```(\w*) ?(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def block(language: str, name: str = "") -> str:
    (found,) = [text for kind, which, text in BLOCKS if (kind, which) == (language, name)]
    return str(found)


def test_a_new_user_finds_the_regression(tmp_path: Path, env: Mapping[str, str]) -> None:
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, line in (("harness", "-m harness"), ("python", "")):
        (commands / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {line} "$@"\n')
        (commands / name).chmod(0o755)
    path = f"{commands}{os.pathsep}{os.environ['PATH']}"

    def shell(text: str, expected: int = 0) -> str:
        done = subprocess.run(
            ["sh", "-ec", text], cwd=tmp_path, env={**env, "PATH": path},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == expected, done.stdout + done.stderr
        return done.stdout

    (tmp_path / "make_history.py").write_text(block("python"))
    (tmp_path / "tiny.yaml").write_text(block("yaml"))
    for kind, which, text in BLOCKS:
        if (kind, which) == ("sh", "regression"):
            assert "1 regression confirmed" in shell(text, expected=3)
        elif (kind, which) == ("sh", "bisect"):
            (result,) = json.loads(shell("harness show --format json"))["results"]
            found = shell(text.replace("CELL", result["cell"]))
            assert "Change 9" in found
        elif (kind, which) == ("sh", "acknowledge"):
            changes = json.loads(shell("harness changes list --format json"))["changes"]
            newest = next(one for one in changes if one["metric"] == "tokens_per_second")
            shell(text.replace("CHANGE", newest["id"]))
        elif kind == "sh":
            shell(text)
    assert (tmp_path / "results" / "site" / "index.html").exists()


def test_every_block_of_the_page_is_known() -> None:
    """So that no command is skipped by a misspelt name."""
    kinds = {(kind, which) for kind, which, _ in BLOCKS}
    assert kinds == {
        ("", ""), ("python", ""), ("yaml", ""), ("sh", ""),
        ("sh", "regression"), ("sh", "bisect"), ("sh", "acknowledge"),
    }  # fmt: skip
