"""How long the commands that measure nothing keep a user waiting."""

import subprocess
import sys
import tempfile
from pathlib import Path

# 10 x 10 x 10 x 10 = 10,000 cells.
TEN = list(range(1, 11))
WIDE = f"""
name: wide
matrix:
  model: [{{layers: {TEN}, d_model: 64, heads: 2}}]
  scenario: [prefill]
  operator: [sdpa]
workload: {{batch: {TEN}, prompt: {list(range(1, 101))}}}
"""


def harness(*arguments: str, folder: str = ".") -> None:
    """Run the command line in a process of its own, as a user does."""
    subprocess.run(
        [sys.executable, "-m", "harness", *arguments],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )


class Startup:
    """Wall time of whole commands."""

    repeat = 5
    number = 1

    def setup(self) -> None:
        """A spec of 10,000 cells in a folder of its own."""
        self.folder = tempfile.TemporaryDirectory()
        (Path(self.folder.name) / "wide.yaml").write_text(WIDE)

    def teardown(self) -> None:
        """Leave nothing behind."""
        self.folder.cleanup()

    def time_help(self) -> None:
        """At most 0.3 s is promised."""
        harness("--help")

    def time_list(self) -> None:
        """Imports every entry."""
        harness("list", folder=self.folder.name)

    def time_plan_of_10000_cells(self) -> None:
        """At most 3 s is promised."""
        harness("plan", "wide.yaml", folder=self.folder.name)
