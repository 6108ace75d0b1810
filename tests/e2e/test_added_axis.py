"""An axis of an outside package, from the spec to the database, with the package and without."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Harness

PLAIN = """\
matrix: {model: nano, scenario: prefill}
workload: {prompt: 8}
measure: {rounds: 1, max_rounds: 1, round_time: 20ms, samples: 1, ceiling: false}
"""
PINNED = PLAIN.replace("prefill}", "prefill, affinity: [free, {name: pinned, first: 0}, pinned]}")
FAR = PLAIN.replace("prefill}", "prefill, affinity: [free, {name: pinned, first: 4095}]}")


@pytest.mark.thorough
def test_an_outside_package_adds_an_axis(
    harness: Harness, env: dict[str, str], outside_package: Path, tmp_path: Path
) -> None:
    """A cell that was measured before is found again; a new one is measured, and outlives it."""
    (tmp_path / "plain.yaml").write_text(PLAIN)
    (tmp_path / "far.yaml").write_text(FAR)
    (tmp_path / "pinned.yaml").write_text(PINNED)
    before = harness("plan", "plain.yaml", "--format", "json").json["cells"]

    own = env.get("PYTHONPATH", "")
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(outside_package), own]))
    planned = harness("plan", "far.yaml", "--format", "json").json["cells"]
    assert planned[0]["cell"] == before[0]["cell"]
    assert [one["axes"]["affinity"] for one in planned] == ["free", "pinned(first=4095)"]
    assert planned[1]["status"] == "unsupported"
    assert "this host's last core is" in planned[1]["reason"]
    assert harness("run", "pinned.yaml", "--only", "affinity=pinned").code == 0
    assert "affinity" in harness("schema").json["$defs"]["Matrix"]["properties"]
    (shown,) = harness("show", "--only", "affinity=pinned", "--format", "json").json["results"]
    assert shown["axes"]["affinity"] == "pinned"
    entries = harness("list", "affinity", "--format", "json").json["entries"]
    assert [one["name"] for one in entries] == ["free", "pinned"]

    env["PYTHONPATH"] = own
    (shown,) = harness("show", "--format", "json").json["results"]
    assert (shown["status"], shown["axes"]["affinity"]) == ("ok", "pinned")
    assert harness("site").code == 0
    refused = harness("plan", "far.yaml")
    assert refused.code == 2
    assert "unknown key 'affinity'" in refused.err
