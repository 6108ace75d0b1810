"""Text of unknown origin, made fit to keep."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.domain.text import abridged, storable


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        ("plain, naïve, 漢字 😀\n", "plain, naïve, 漢字 😀\n"),
        (os.fsdecode(b"caf\xe9"), r"caf\udce9"),
        ("\ud800", r"\ud800"),
        ("a\0b", r"a\x00b"),
    ],
)
def test_what_no_database_takes_is_spelled_out(found: str, kept: str) -> None:
    assert storable(found) == kept


def test_a_long_text_keeps_both_ends() -> None:
    """And says how long it was."""
    found = abridged("a" * 500 + "b" * 500, 100)
    assert found.startswith("aaa")
    assert found.endswith("bbb")
    assert "(1,000 characters in all)" in found


@given(st.text(max_size=300), st.integers(60, 200))
def test_a_clipped_text_keeps_the_limit_and_is_clipped_no_further(text: str, limit: int) -> None:
    found = abridged(text, limit)
    assert len(found) <= limit
    assert abridged(found, limit) == found
    assert found == text or len(text) > limit
