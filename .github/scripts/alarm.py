"""Raise an alarm if a runner has delivered no night for days.

Opens an issue for each silent runner and exits with 1; closes the issue when a night arrives.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime, timedelta

import branch
import tracker


def silence(commit: str, runner: str, now: datetime, limit: timedelta) -> str:
    """What is missing from a runner, as a sentence; "" if nothing is."""
    name = f"nights/{runner}.json"
    if not branch.has(commit, name):
        return f"The branch `results` holds no night of the runner `{runner}`."
    saved = datetime.fromisoformat(json.loads(branch.git("show", f"{commit}:{name}"))["saved"])
    if now - saved <= limit:
        return ""
    return (
        f"The last night of the runner `{runner}` was saved at {saved:%Y-%m-%d %H:%M} UTC, "
        f"{(now - saved).days} days ago. Void nights do not count."
    )


def main() -> None:
    """Look for each runner's last night on the branch `results`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runners", nargs="+")
    parser.add_argument("--days", type=int, default=3)
    asked = parser.parse_args()
    commit, now, limit = branch.fetch(), datetime.now(UTC), timedelta(days=asked.days)
    missing = {one: silence(commit, one, now, limit) for one in asked.runners}
    tracker.make_label()
    known = tracker.open_issues()
    for runner, sentence in missing.items():
        name = f"No nightly results from {runner}"
        if sentence and name not in known:
            tracker.create(name, sentence)
        elif not sentence and name in known:
            tracker.close(known[name], "A new night has been saved.")
    if silent := [sentence for sentence in missing.values() if sentence]:
        sys.exit("\n".join(f"::error::{sentence}" for sentence in silent))


if __name__ == "__main__":
    main()
