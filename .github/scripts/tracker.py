"""GitHub issues by title, through the `gh` command."""

from __future__ import annotations

import json
import subprocess

LABEL = "nightly"


def gh(*arguments: str, stdin: str | None = None) -> str:
    """Run gh and return what it prints. Raises CalledProcessError."""
    return subprocess.run(
        ["gh", *arguments], input=stdin, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def make_label() -> None:
    """Create the label, unless the repository has it."""
    description = "Opened by the nightly benchmark"
    gh("label", "create", LABEL, "--force", "--color", "B60205", "--description", description)


def open_issues() -> dict[str, str]:
    """The number of each open issue with the label, by title.

    Asks for the list, because the search index lags behind it.
    """
    listed = gh(
        *("issue", "list", "--label", LABEL, "--state", "open", "--limit", "1000"),
        *("--json", "number,title"),
    )
    return {one["title"]: str(one["number"]) for one in json.loads(listed)}


def create(title: str, body: str) -> None:
    """Open an issue."""
    gh("issue", "create", "--title", title, "--label", LABEL, "--body-file", "-", stdin=body)


def comment(number: str, body: str) -> None:
    """Comment on an issue."""
    gh("issue", "comment", number, "--body-file", "-", stdin=body)


def close(number: str, body: str) -> None:
    """Close an issue with a last comment."""
    gh("issue", "close", number, "--comment", body)
