"""The last line of `harness backfill`."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.backfill import _closing
from harness.domain.location import Location
from harness.pipeline import Request


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        (0, "2 of 2 commits measured; see `harness changes list`"),
        (1, "1 of 2 commits measured, 1 could not be installed; see `harness changes list`"),
        (2, "0 of 2 commits measured, 2 could not be installed; see `harness show --all`"),
    ],
)
def test_it_says_where_the_results_are(broken: int, line: str) -> None:
    """Without any measurement there are no changes to list, but failed results to show."""
    request = Request(("spec.yaml",), Location.file(Path("harness.sqlite")))
    assert _closing(2, broken, 0, request) == line
