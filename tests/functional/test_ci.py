"""The workflow of continuous integration: what it runs, and what it may do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
CI = YAML(typ="safe").load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
JOBS: dict[str, dict[str, Any]] = CI["jobs"]


def test_it_runs_what_the_script_for_a_clean_checkout_runs() -> None:
    commands = re.findall(r"^make .+$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert len(commands) == 3
    assert [
        step["run"] for job in JOBS.values() for step in job["steps"] if "run" in step
    ] == commands


def test_it_may_read_the_repository_and_nothing_else() -> None:
    assert CI["permissions"] == {"contents": "read"}
    assert not [name for name, job in JOBS.items() if "permissions" in job]


@pytest.mark.parametrize("job", JOBS)
def test_every_action_is_pinned_to_a_commit_and_leaves_no_credentials(job: str) -> None:
    for step in JOBS[job]["steps"]:
        if "uses" in step:
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"])
            assert "checkout" not in step["uses"] or step["with"]["persist-credentials"] is False
