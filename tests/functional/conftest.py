"""Commands are forked from a process that has already imported the harness, to save startup time.

End-to-end tests start what measures as users do.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Harness
from tests.functional.stage import Stage, night


@pytest.fixture
def harness(forked_harness: Harness) -> Harness:
    """Run `harness` with these arguments in a folder of the test's own."""
    return forked_harness


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A stage on which a night finds nothing."""
    made = Stage(tmp_path)
    made.answer(nightly={"row": "first", "json": night(), "report": "# All quiet\n"})
    return made
