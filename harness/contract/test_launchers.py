"""What every launcher promises. Each run checks that its ranks compute the same."""

from __future__ import annotations

from collections.abc import Callable

from harness.contract.plugin import choice_of, example_of
from harness.domain.cell import Cell
from harness.launchers import Launcher, launcher_of
from harness.parallelism import with_launcher


def test_it_names_its_version(entry: type[Launcher]) -> None:
    """Even if it is not installed."""
    assert entry.version().strip()


def test_it_gives_a_reason_if_it_cannot_launch_a_cell(
    entry: type[Launcher], make_cell: Callable[..., Cell]
) -> None:
    """A launcher that lists its strategies refuses all others."""
    launcher = example_of(entry)
    for degrees in ({}, {"data": 2}, {"nobody": 2}):
        reason = launcher.refuses(make_cell(), degrees)
        assert reason is None or reason.strip()
    assert not launcher.strategies or launcher.refuses(make_cell(), {"nobody": 2})


def test_a_cell_that_names_it_gets_it(
    entry: type[Launcher], make_cell: Callable[..., Cell]
) -> None:
    """With its options."""
    made = example_of(entry)
    found = launcher_of(make_cell(parallelism=(with_launcher(choice_of(made)),)))
    assert (type(found), found.options) == (entry, made.options)
