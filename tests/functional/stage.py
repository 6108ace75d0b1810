"""A stage for workflows: a stub `harness`, a stub `gh`, and a bare repository in GitHub's place."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.functional.actions import Action, Played, play, read

ROOT = Path(__file__).parents[2]

# Stands for `harness`: records its arguments; `nightly` adds a row, `merge` adds what is missing.
HARNESS = """#!{python}
import json, os, pathlib, sqlite3, sys
stage = pathlib.Path(os.environ["STAGE"])
arguments = sys.argv[1:]
with (stage / "calls").open("a") as file:
    file.write(json.dumps(["harness", *arguments]) + "\\n")
given = dict(zip(arguments, arguments[1:]))
answer = json.loads((stage / "answers.json").read_text()).get(arguments[0], {{}})
def rows(path):
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE IF NOT EXISTS night (name TEXT PRIMARY KEY)")
    return database
if "row" in answer:
    with rows(given["--db"]) as database:
        database.execute("INSERT INTO night VALUES (?)", [answer["row"]])
if arguments[0] == "merge":
    if answer.get("code"):
        sys.exit(answer["code"])
    names = rows(arguments[1]).execute("SELECT name FROM night").fetchall()
    with rows(given["--db"]) as database:
        database.executemany("INSERT OR IGNORE INTO night VALUES (?)", names)
if arguments[0] == "prune" and (stage / "meanwhile").exists():
    (stage / "meanwhile").rename(stage / "done")
    assert os.system(f"bash -e {{stage / 'done'}}") == 0
if arguments[0] == "site":
    folder = pathlib.Path(given["--out"])
    folder.mkdir(parents=True)
    found = rows(given["--db"]).execute("SELECT name FROM night ORDER BY name")
    (folder / "index.html").write_text(" ".join(name for name, in found))
if "report" in answer:
    pathlib.Path(given["--report"]).write_text(answer["report"])
if "json" in answer:
    print(json.dumps(answer["json"]))
sys.exit(answer.get("code", 0))
"""

# Stands for `gh`: keeps issues in a file.
GH = """#!{python}
import json, os, pathlib, sys
file = pathlib.Path(os.environ["STAGE"]) / "issues.json"
issues = json.loads(file.read_text()) if file.exists() else []
assert os.environ["GH_TOKEN"] and os.environ["GH_REPO"] == "someone/transformer"
arguments = sys.argv[1:]
given = dict(zip(arguments, arguments[1:]))
noun, verb = arguments[:2]
if (noun, verb) == ("issue", "list"):
    print(json.dumps([
        {{"number": n, "title": one["title"]}} for n, one in enumerate(issues, 1)
        if one["open"] and one["label"] == given["--label"]
    ]))
elif (noun, verb) == ("issue", "create"):
    body = sys.stdin.read()
    issues.append({{"title": given["--title"], "label": given["--label"], "open": True, "says": [body]}})
elif (noun, verb) == ("issue", "comment"):
    issues[int(arguments[2]) - 1]["says"].append(sys.stdin.read())
elif (noun, verb) == ("issue", "close"):
    issues[int(arguments[2]) - 1]["open"] = False
    issues[int(arguments[2]) - 1]["says"].append(given["--comment"])
else:
    assert (noun, verb) == ("label", "create"), arguments
file.write_text(json.dumps(issues))
"""

SLOWED = {"role": "slowed", "verdict": "confirmed"}  # a control, whose change is planted


def night(*confirmations: Mapping[str, Any], state: str = "done") -> dict[str, Any]:
    return {
        "version": 1,
        "night": {"state": state, "reason": "", "head": "bbbb222"},
        "confirmations": [SLOWED, *confirmations],
    }


class Stage:
    """A bare repository for GitHub, stubs for commands, and the artifacts of one workflow run."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.remote = folder, folder / "remote.git"
        self.artifacts = folder / "artifacts"
        self.answers: dict[str, Any] = {}
        self.checkouts = 0
        self.variables = {"vars.GPU_RUNNER": "", "vars.RESULTS_KEEP": ""}
        bin_ = folder / "bin"
        bin_.mkdir()
        for name, text in {
            "harness": HARNESS.format(python=sys.executable),
            "gh": GH.format(python=sys.executable),
            "make": "#!/bin/sh\nmkdir -p .venv/bin && touch .venv/.run\n",
        }.items():
            (bin_ / name).write_text(text)
            (bin_ / name).chmod(0o755)
        self.env = {
            "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "STAGE": str(folder),
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "someone/transformer",
            "GITHUB_RUN_ID": "7",
        }
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.remote))
        source = folder / "source"
        shutil.copytree(ROOT / ".github", source / ".github")
        (source / "results").mkdir()
        for name in (".gitignore", "results/.gitkeep"):
            shutil.copy(ROOT / name, source / name)
        self.git("init", "--quiet", "--initial-branch=main", str(source))
        self.git("add", ".", at=source)
        self.git("commit", "--quiet", "-m", "Code", at=source)
        self.git("push", "--quiet", str(self.remote), "main", at=source)

    def git(self, *arguments: str, at: Path | None = None) -> str:
        return subprocess.run(
            ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments],
            cwd=at or self.folder,
            env=self.env,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def checkout(self) -> Path:
        self.checkouts += 1
        folder = self.folder / f"checkout-{self.checkouts}"
        self.git("clone", "--quiet", str(self.remote), str(folder))
        return folder

    def answer(self, **by_command: Mapping[str, Any]) -> None:
        self.answers |= by_command
        (self.folder / "answers.json").write_text(json.dumps(self.answers))

    def play(self, workflow: str, job: str, **names: str) -> Played:
        (self.folder / "answers.json").write_text(json.dumps(self.answers))
        known = {
            "github.token": "secret",
            "github.repository": "someone/transformer",
            "github.base_ref": "main",
            **self.variables,
            **names,
        }
        actions: dict[str, Action] = {
            "actions/upload-artifact": self.upload,
            "actions/download-artifact": self.download,
        }
        return play(read(workflow)["jobs"][job], self.checkout(), self.env, known, actions)

    def upload(self, given: Mapping[str, Any], checkout: Path) -> None:
        for name in given["path"].split():
            if (checkout / name).exists():
                target = self.artifacts / given["name"] / Path(name).name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(checkout / name, target)

    def download(self, given: Mapping[str, Any], checkout: Path) -> None:
        for one in self.artifacts.glob(given["pattern"]):
            shutil.copytree(one, checkout / given["path"] / one.name)

    def measure(self, runner: str = "cpu") -> Played:
        return self.play("nightly.yml", "measure", **{"matrix.runner": runner})

    def calls(self, command: str) -> list[list[str]]:
        """The arguments of each call of a harness command."""
        lines = (self.folder / "calls").read_text().splitlines()
        return [one[2:] for line in lines if (one := json.loads(line))[1] == command]

    def issues(self) -> list[dict[str, Any]]:
        file = self.folder / "issues.json"
        return json.loads(file.read_text()) if file.exists() else []

    def saved(self) -> list[str]:
        """The nights in the database on the branch `results`."""
        file = self.folder / "saved.sqlite"
        blob = ["git", "cat-file", "blob", "results:harness.sqlite"]
        with file.open("wb") as target:
            subprocess.run(blob, cwd=self.remote, stdout=target, check=True)
        with closing(sqlite3.connect(file)) as database:
            return [name for (name,) in database.execute("SELECT name FROM night ORDER BY name")]

    def noted(self, runner: str = "cpu") -> dict[str, Any]:
        """The note of the runner's last night on the branch."""
        text = self.git("show", f"results:nights/{runner}.json", at=self.remote)
        return json.loads(text)  # type: ignore[no-any-return]
