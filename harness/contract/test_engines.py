"""What every engine promises; that its ranks start and learn the same is for each run to prove."""

from __future__ import annotations

from collections.abc import Callable

from harness import parallelism
from harness.domain.cell import Cell, Choice
from harness.launchers import Engine


def test_it_names_its_version(entry: type[Engine]) -> None:
    """Also where it is not installed."""
    assert entry.version().strip()


def test_it_says_why_it_cannot_split_as_a_cell_asks(
    entry: type[Engine], make_cell: Callable[..., Cell]
) -> None:
    """In a sentence; what it does not know, it refuses where it names what it takes."""
    choice = Choice("engine", (("name", entry.name),))
    engine = entry(parallelism.registry.of(choice).options)
    for degrees in ({}, {"data": 2}, {"nobody": 2}):
        reason = engine.refuses(make_cell(), degrees)
        assert reason is None or reason.strip()
    assert not engine.strategies or engine.refuses(make_cell(), {"nobody": 2})
