"""Play a job of a GitHub workflow here: its steps in order, each `run` as GitHub's shell runs it.

Actions (`uses`) are not run; a test says what stands for them. Expressions are read as GitHub reads
them, as far as the workflows of this repository use them. An unknown name is an error, not "".
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

FOLDER = Path(__file__).parents[2] / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
_TOKEN = re.compile(r"'[^']*'|&&|\|\||==|!=|!|[(),]|[\w.-]+|\s+")
_WORDS = {"&&": " and ", "||": " or ", "!": " not "}

Action = Callable[[Mapping[str, Any], Path], None]


def read(name: str) -> dict[str, Any]:
    """A workflow as YAML gives it."""
    workflow: dict[str, Any] = YAML(typ="safe").load((FOLDER / name).read_text())
    return workflow


def value(text: str, names: Mapping[str, str]) -> Any:
    """The value of an expression, without its `${{ }}`."""

    def python(token: str) -> str:
        if token in _WORDS:
            return _WORDS[token]
        if re.fullmatch(r"[a-z][\w.-]*", token) and token not in functions:
            return repr(names[token])
        return token

    functions = {
        "fromJSON": json.loads,
        "always": lambda: True,
        "cancelled": lambda: False,
        "success": lambda: names["job.status"] == "success",
    }
    assert "".join(_TOKEN.findall(text)) == text, f"cannot read the expression {text!r}"
    return eval("".join(map(python, _TOKEN.findall(text))).strip(), functions)  # noqa: S307


def filled(text: str, names: Mapping[str, str]) -> str:
    """A text with the value of each of its expressions."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: str(value(found[1].strip(), names)), text)


@dataclass
class Played:
    """What became of a job: the steps that ran, with their exit codes, and what was printed."""

    codes: dict[str, int] = field(default_factory=dict)
    printed: str = ""
    summary: str = ""

    @property
    def passed(self) -> bool:
        return not any(self.codes.values())


def play(
    job: Mapping[str, Any],
    folder: Path,
    env: Mapping[str, str],
    names: Mapping[str, str],
    actions: Mapping[str, Action],
) -> Played:
    """Run the job's steps in a checkout, with the names that its expressions may use."""
    played, names = Played(), dict(names)
    files = {
        name: folder.parent / f"{folder.name}.{name}"
        for name in ("GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")
    }
    for step in job["steps"]:
        names["job.status"] = "success" if played.passed else "failure"
        if not value(step.get("if", "success()").removeprefix("${{").removesuffix("}}"), names):
            continue
        if "uses" in step:
            action = step["uses"].split("@")[0]
            if action in actions:
                given = {k: filled(str(v), names) for k, v in step.get("with", {}).items()}
                actions[action](given, folder)
            continue
        for file in files.values():
            file.touch()
        before = files["GITHUB_OUTPUT"].read_text()
        own = {**job.get("env", {}), **step.get("env", {})}
        script = folder.parent / "step.sh"
        script.write_text(filled(step["run"], names))
        done = subprocess.run(
            ["bash", "-e", str(script)],
            cwd=folder,
            env={
                **env,
                "PATH": os.pathsep.join([*files["GITHUB_PATH"].read_text().split(), env["PATH"]]),
                **{name: str(file) for name, file in files.items()},
                **{name: filled(str(text), names) for name, text in own.items()},
            },
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        played.codes[step["name"]] = done.returncode
        played.printed += done.stdout + done.stderr
        for line in files["GITHUB_OUTPUT"].read_text().removeprefix(before).splitlines():
            key, _, said = line.partition("=")
            names[f"steps.{step['id']}.outputs.{key}"] = said
    if files["GITHUB_STEP_SUMMARY"].exists():
        played.summary = files["GITHUB_STEP_SUMMARY"].read_text()
    return played
