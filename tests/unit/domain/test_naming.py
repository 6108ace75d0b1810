"""What cells are called in a list of them."""

from __future__ import annotations

from collections.abc import Callable

from harness.domain.cell import Cell, Choice
from harness.domain.naming import shared_text, short_names

MakeCell = Callable[..., Cell]


def test_cells_are_named_by_what_tells_them_apart(make_cell: MakeCell) -> None:
    """What they share is said once, for all."""
    dense, eight = make_cell(), make_cell(compression=(Choice("int8-dynamic"),))
    assert list(short_names([dense, eight]).values()) == ["compression none", "int8-dynamic"]
    assert "compression" not in shared_text([dense, eight])
    assert "hardware local" in shared_text([dense, eight])


def test_a_lone_cell_is_named_whole(make_cell: MakeCell) -> None:
    cell = make_cell()
    assert list(short_names([cell]).values()) == [str(cell)]
    assert shared_text([cell]) == ""
