"""Keep the results of nights on the branch `results`.

The branch has a single commit, which each save replaces: a database that grows every night would
otherwise be downloaded once for each night. Saving merges into the branch's database, and pushes
only if the branch has not moved since, so that two machines may save at once.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

REF = "refs/heads/results"
DATABASE = "harness.sqlite"
LARGEST = 100 * 2**20  # bytes; GitHub accepts no larger file
TRIES = 8
AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (
        ("NAME", "github-actions[bot]"),
        ("EMAIL", "41898282+github-actions[bot]@users.noreply.github.com"),
    )
}


class GitError(Exception):
    """Git refused; the text is its message."""


def git(*arguments: str, stdin: str | None = None, **more: str) -> str:
    """Run git and return what it prints. Raises GitError."""
    environment = {**os.environ, **AUTHOR, **_login(), **more, "GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(
        ["git", *arguments],
        input=stdin,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise GitError(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def _login() -> dict[str, str]:
    """The token as git's configuration for one command, so that no file ever holds it."""
    token = os.environ.get("GH_TOKEN")
    if not token:
        return {}
    server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{server}/.extraheader",
        "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {basic}",
    }


def fetch() -> str:
    """Fetch the branch and return its commit; "" if there is no such branch yet."""
    while line := git("ls-remote", "origin", REF):
        commit = line.split()[0]
        git("fetch", "--quiet", "--no-tags", "origin", f"+{REF}:refs/remotes/origin/results")
        if git("rev-parse", "refs/remotes/origin/results") == commit:
            return commit
    return ""


def has(commit: str, name: str) -> bool:
    """True if the commit holds this file."""
    return bool(commit) and bool(git("ls-tree", commit, "--", name))


def write_blob(commit: str, name: str, path: Path) -> None:
    """Write a file of the commit to a path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        subprocess.run(["git", "cat-file", "blob", f"{commit}:{name}"], stdout=file, check=True)


def restore(database: Path) -> None:
    """Write the branch's database to this path, if the branch has one."""
    commit = fetch()
    if not has(commit, DATABASE):
        print("no saved results yet: this is the first night")
        return
    write_blob(commit, DATABASE, database)
    print(f"restored {database} ({database.stat().st_size} bytes)")


def save(database: Path, runner: str, night: Path, keep: str) -> None:
    """Merge the database into the branch's, and note the runner's night there.

    Raises GitError if the push is refused although the branch has not moved, or after TRIES
    attempts.
    """
    if not database.exists():
        print(f"{database} does not exist: nothing to save")
        return
    notes = note(runner, night)
    for _ in range(TRIES):
        before = fetch()
        try:
            push(build(before, database, notes, keep), before)
        except GitError:
            if fetch() == before:
                raise
            print("another machine saved its results meanwhile: merging again")
            time.sleep(random.uniform(0, 2))  # noqa: S311 - no secret
        else:
            print(f"saved {database} on the branch results")
            return
    raise GitError(f"the branch results moved during each of {TRIES} attempts to push")


def build(before: str, database: Path, notes: dict[str, str], keep: str) -> str:
    """Make the branch's next commit from the one before, and return it."""
    with TemporaryDirectory() as folder:
        merged, packed = Path(folder) / "merged.sqlite", Path(folder) / DATABASE
        if has(before, DATABASE):
            write_blob(before, DATABASE, merged)
            harness("merge", str(database), "--db", str(merged))
        else:
            copy(database, merged)
        if keep:
            harness("prune", "--keep", keep, "--db", str(merged))
        copy(merged, packed)
        if packed.stat().st_size > LARGEST:
            raise GitError(
                f"the merged database has {packed.stat().st_size} bytes, and GitHub accepts "
                f"{LARGEST}: set the repository variable RESULTS_KEEP below {keep or '90d'}"
            )
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git("read-tree", *([before] if before else ["--empty"]), **index)
        blobs = {DATABASE: git("hash-object", "-w", str(packed))}
        blobs |= {
            name: git("hash-object", "-w", "--stdin", stdin=text) for name, text in notes.items()
        }
        for name, blob in blobs.items():
            git("update-index", "--add", "--cacheinfo", f"100644,{blob},{name}", **index)
        return git("commit-tree", git("write-tree", **index), "-m", "Results of nightly runs")


def push(commit: str, before: str) -> None:
    """Replace the branch's commit, if it is still the one before ("": if there is no branch)."""
    git("push", "--quiet", f"--force-with-lease={REF}:{before}", "origin", f"{commit}:{REF}")


def copy(source: Path, target: Path) -> None:
    """Copy an SQLite database into a single file, with what its write-ahead log holds."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def harness(*arguments: str) -> None:
    """Run a harness command; raises CalledProcessError."""
    subprocess.run(["harness", *arguments], check=True)


def note(runner: str, night: Path) -> dict[str, str]:
    """The note that this runner delivered a night, by file name; empty if the night is void."""
    found = read_night(night)
    if found is None or found["state"] != "done":
        return {}
    saved = datetime.now(UTC).isoformat(timespec="seconds")
    return {f"nights/{runner}.json": json.dumps({"saved": saved, "night": found}, indent=1) + "\n"}


def read_night(file: Path) -> dict[str, Any] | None:
    """The night in a file that `harness nightly --format json` wrote; None if there is none."""
    if not file.exists() or not file.read_text():
        return None
    night: dict[str, Any] = json.loads(file.read_text())["night"]
    return night


def main() -> None:
    """Parse the command line and act."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("restore", "save"):
        command = commands.add_parser(name)
        command.add_argument("database", type=Path)
        if name == "save":
            command.add_argument("--runner", required=True)
            command.add_argument("--night", type=Path, required=True)
            command.add_argument("--keep", default="")
    asked = parser.parse_args()
    try:
        if asked.command == "restore":
            restore(asked.database)
        else:
            save(asked.database, asked.runner, asked.night, asked.keep)
    except (GitError, subprocess.CalledProcessError) as error:
        sys.exit(f"::error::{error}")


if __name__ == "__main__":
    main()
