"""Run in a commit's environment: prints the versions of the software in it, as JSON.

    python -m harness.subject.report ORDER

ORDER is JSON: the `repo` of the subject, and the top-level modules of the cells' `factories`.
"""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

from harness.subject.code import HARNESS, lies_in
from harness.subject.commit import NO_COMMIT, commit_of_code
from harness.subject.environment import cells_environment


def report(repo: Path, factories: list[str], place: Path) -> dict[str, str]:
    """The versions of the environment at that place, by package.

    The commit identifies the code installed there. Raises SystemExit if a factory's module is
    missing, or comes from the repository's working tree.
    """
    for name in factories:
        if not lies_in(name, place) and (lies_in(name, repo) or find_spec(name) is None):
            sys.exit(f"the commit does not provide the module {name}")
    is_own = HARNESS.is_relative_to(place)
    commit = commit_of_code(HARNESS) if is_own else NO_COMMIT
    return dict(cells_environment(commit, factories, place).versions)


if __name__ == "__main__":
    order = json.loads(sys.argv[1])
    print(json.dumps(report(Path(order["repo"]), order["factories"], Path(sys.prefix).resolve())))
