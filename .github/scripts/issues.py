"""Open an issue for each change that a night confirmed; comment on it if it is open already.

Exits with 1 if a runner delivered no night.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tracker

VERDICTS = {"confirmed", "rejected", "inconclusive", "failed"}
CONTROLS = {"same", "slowed"}  # compared to judge the night, not the code


def changes(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What the night confirmed about the code. A void night confirms nothing."""
    for one in document["confirmations"]:
        if one["verdict"] not in VERDICTS:
            raise ValueError(f"unknown verdict {one['verdict']!r}: one of {sorted(VERDICTS)}")
        counts = document["night"]["state"] != "void" and one["role"] not in CONTROLS
        if counts and one["verdict"] == "confirmed":
            yield one


def title(change: dict[str, Any], runner: str) -> str:
    """The issue's title: the same every night, so it names no commit and no figure."""
    kind = "Regression" if change["worse"] else "Improvement"
    return f"{kind}: {change['metric']} of cell {change['cell']} on {runner}"


def body(change: dict[str, Any], url: str) -> str:
    """What was measured, in Markdown."""
    rows = [
        ("metric", f"`{change['metric']}`"),
        ("change", f"{change['ratio'] - 1:+.1%} ({interval(change)})"),
        ("base", f"`{change['base']}`"),
        ("head", f"`{change['head']}`"),
        *((axis, f"`{value}`") for axis, value in change["axes"].items()),
    ]
    lines = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows), ""]
    if change["accepted"]:
        lines += ["A second night agrees: this is the new level of the series.", ""]
    return "\n".join([*lines, f"Measured in pairs of fresh processes by [this night]({url})."])


def interval(change: dict[str, Any]) -> str:
    """The change's 95 % interval and p-value."""
    if change["low"] is None or change["high"] is None:
        return f"p = {change['p']:.2g}"
    low, high = change["low"] - 1, change["high"] - 1
    return f"95 % interval {low:+.1%} to {high:+.1%}, p = {change['p']:.2g}"


def run_url() -> str:
    """The page of this workflow run."""
    where = (os.environ[f"GITHUB_{name}"] for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    return "{}/{}/actions/runs/{}".format(*where)


def report(document: dict[str, Any], runner: str) -> None:
    """Open or extend an issue for each confirmed change."""
    confirmed = list(changes(document))
    if not confirmed:
        return
    tracker.make_label()
    known = tracker.open_issues()
    for change in confirmed:
        name = title(change, runner)
        if name in known:
            tracker.comment(known[name], body(change, run_url()))
        else:
            tracker.create(name, body(change, run_url()))
        print(name)


def main() -> None:
    """Report the nights that lie in night-RUNNER/night.json below a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nights", type=Path)
    parser.add_argument("runners", nargs="+")
    asked = parser.parse_args()
    silent = []
    for runner in asked.runners:
        file = asked.nights / f"night-{runner}" / "night.json"
        if file.exists() and (text := file.read_text()):
            report(json.loads(text), runner)
        else:
            silent.append(runner)
    if silent:
        sys.exit(f"::error::no night was delivered by: {', '.join(silent)}")


if __name__ == "__main__":
    main()
