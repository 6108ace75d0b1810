"""What every entry has: options of which only the unusual are kept."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field, ValidationError

from harness.domain.cell import Choice
from harness.domain.entry import Entry
from harness.domain.entry import Options as NoOptions


class Window(Entry):
    """With options of two kinds."""

    class Options(NoOptions):
        """Here they are."""

        size: int = Field(128, ge=1, description="tokens to see")
        strides: tuple[int, ...] = Field((1,), description="one a layer")


def test_only_options_that_differ_from_their_defaults_are_kept() -> None:
    """An entry that later gains an option leaves the ids of its old cells alone."""
    assert Window.Options().canonical() == ()
    assert Window.Options(size=128, strides=(2, 1)).canonical() == (("strides", (2, 1)),)


def test_options_are_kept_in_the_order_of_their_names() -> None:
    given = Window.Options(strides=(2,), size=4).canonical()
    assert given == (("size", 4), ("strides", (2,)))


def test_an_entry_is_made_from_a_cells_choice() -> None:
    """And without one by its defaults."""
    assert Window.of(Choice("window", (("size", 4),))).options.size == 4
    assert Window().options.size == 128


@pytest.mark.parametrize("wrong", [{"size": 0}, {"size": "many"}, {"sizes": 4}])
def test_options_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Window.Options(**wrong)


def test_options_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Window.Options().size = 4  # type: ignore[misc]  # it is what must fail
