"""What a round costs beyond the time inside the clock and the model's own construction."""

import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CELLS = 100
SPEC = f"""
name: overhead
matrix:
  model: [nano]
  scenario: [prefill]
workload: {{batch: [1], prompt: {list(range(1, CELLS + 1))}}}
measure: {{rounds: 1, max_rounds: 1, samples: 5, max_samples: 10, round_time: 1ms, ceiling: false}}
"""


class Overhead:
    """`harness run` of 100 nano cells with one round each."""

    timeout = 300

    def track_seconds_a_round(self) -> float:
        """At most 0.05 s is promised. Importing torch, once a run, is counted in."""
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "spec.yaml").write_text(SPEC)
            begin = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "harness", "run", "-q", "spec.yaml"], cwd=folder, check=True
            )
            whole = time.perf_counter() - begin
            inside = _inside(Path(folder) / "results" / "harness.sqlite")
        return (whole - inside) / CELLS

    track_seconds_a_round.unit = "s"  # type: ignore[attr-defined]  # how asv names units


def _inside(database: Path) -> float:
    """Seconds inside the clock and building models, over all rounds."""
    with sqlite3.connect(database) as connection:
        (rounds,) = connection.execute("select count(*) from round").fetchone()
        (samples,) = connection.execute("select sum(seconds) from sample").fetchone()
        (loading,) = connection.execute(
            "select sum(value) from fact where name = 'load_time'"
        ).fetchone()
    assert rounds == CELLS
    return float(samples + loading)
