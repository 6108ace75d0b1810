"""What every launcher promises; that its ranks compute the same, each run checks by itself."""

from __future__ import annotations

from collections.abc import Callable

from harness.contract.plugin import choice_of, example_of
from harness.domain.cell import Cell
from harness.launchers import Launcher, launcher_of
from harness.parallelism import with_launcher


def test_it_names_its_version(entry: type[Launcher]) -> None:
    """Also where it is not installed."""
    assert entry.version().strip()


def test_it_says_why_it_cannot_split_as_a_cell_asks(
    entry: type[Launcher], make_cell: Callable[..., Cell]
) -> None:
    """In a sentence; one that lists its strategies refuses any other."""
    launcher = example_of(entry)
    for degrees in ({}, {"data": 2}, {"nobody": 2}):
        reason = launcher.refuses(make_cell(), degrees)
        assert reason is None or reason.strip()
    assert not launcher.strategies or launcher.refuses(make_cell(), {"nobody": 2})


def test_a_cell_that_names_it_is_launched_by_it(
    entry: type[Launcher], make_cell: Callable[..., Cell]
) -> None:
    """With its options."""
    made = example_of(entry)
    found = launcher_of(make_cell(parallelism=(with_launcher(choice_of(made)),)))
    assert (type(found), found.options) == (entry, made.options)
