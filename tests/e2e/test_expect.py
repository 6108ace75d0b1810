"""A run judges what its spec expects of the cells that it has just measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Harness

SPEC = """\
# Is it as fast as expected?
matrix: {model: nano, scenario: prefill}
workload: {prompt: 8}
measure: {rounds: 6, max_rounds: 6, round_time: 10ms, samples: 2, quality: false, ceiling: false}
expect:
  - {metric: latency, min: 1ns, max: 1h}
  - {metric: latency, max: 1h, xfail: it is slow}
  - {metric: latency, max: 1ns}
  - {metric: latency, max: 1ns, xfail: nothing is that fast}
  - {host: nobodys, metric: latency, max: 1ns}
"""


@pytest.mark.thorough
def test_a_run_ends_with_what_was_not_as_expected(harness: Harness, tmp_path: Path) -> None:
    """And its exit code says so, although every cell was measured."""
    spec = tmp_path / "s.yaml"
    spec.write_text(SPEC)
    answer = harness("run", "s.yaml")
    assert answer.code == 1, answer.err
    closing, *lines, counts = answer.out.splitlines()
    assert closing.startswith("1 ok; see `harness show`")
    assert {line.partition(":")[0] for line in lines} == {"xpass", "missed"}
    assert any(line.endswith("(s.yaml:8:5)") for line in lines)
    assert counts == "expectations: 1 missed, 1 xpass, 1 xfail, 1 met; 1 for other hosts"
    assert harness("expect", "check", "s.yaml").code == 1
    spec.write_text(SPEC.replace("{metric: latency, max: 1ns}", "{required: true}"))
    again = harness("run", "s.yaml", "--quiet")
    assert again.code == 1
    assert again.out.startswith("xpass: ")
    spec.write_text("\n".join(SPEC.splitlines()[:6]))
    assert harness("run", "s.yaml", "--quiet").code == 0
