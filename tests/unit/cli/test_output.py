"""Printed text is readable and harmless to a terminal, and lost output is an error."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli.output import LIMIT, OutputError, Stream, clipped, printable

HOSTILE = "\x1b[2J\x07\r\x7f\x9b31m\u202e\u2066\u200b\ufeff\udce9\U000e0041"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x9b31m", r"\x9b31m"),
        ("a\rb\x7f\x00", r"a\rb\x7f\x00"),
        ("\u202eevil\u2069\u200b", r"\u202eevil\u2069\u200b"),
        ("caf\udce9", r"caf\udce9"),
        ("lines\nand\ttabs", "lines\nand\ttabs"),
        ("µs × ≥ 日本 e\u0301 🦙", "µs × ≥ 日本 e\u0301 🦙"),
    ],
)
def test_control_and_invisible_characters_are_escaped(text: str, expected: str) -> None:
    assert expected == printable(text)


@given(st.text(st.characters()))
def test_printable_text_has_no_control_format_or_surrogate_characters(text: str) -> None:
    """Making it printable again changes nothing."""
    safe = printable(text)
    assert {"Cc", "Cf", "Cs"}.isdisjoint(map(unicodedata.category, safe.translate({9: "", 10: ""})))
    assert safe == printable(safe)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_every_text_can_be_written_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    """Even in a strict ASCII stream."""
    with (tmp_path / "out").open("wb") as file:
        Stream(file.fileno(), encoding).write(f"{HOSTILE} × 🦙\n")
    written = (tmp_path / "out").read_bytes()
    assert written.startswith(b"\\x1b[2J\\x07\\r\\x7f\\x9b31m\\u202e")
    written.decode(encoding)


def test_a_drawing_keeps_its_control_sequences(tmp_path: Path) -> None:
    """A progress bar moves the cursor. The texts in it are made printable before that."""
    with (tmp_path / "out").open("wb") as file:
        Stream(file.fileno(), "utf-8", draws=True).write("\r\x1b[2K")
    assert (tmp_path / "out").read_bytes() == b"\r\x1b[2K"


def test_required_output_that_is_lost_is_an_error() -> None:
    """With the system's own message."""
    with Path("/dev/full").open("wb") as full:
        stream = Stream(full.fileno(), "utf-8", required=True)
        with pytest.raises(OutputError, match="standard output: No space left on device"):
            stream.write("text\n")


def test_progress_that_is_lost_is_no_error() -> None:
    with Path("/dev/full").open("wb") as full:
        assert Stream(full.fileno(), "utf-8").write("text\n") == 5


def test_a_long_text_is_written_whole_to_a_slow_reader() -> None:
    """A pipe holds 64 KiB: the rest waits."""
    reader, writer = os.pipe()
    text = "x" * 300_000
    if os.fork() == 0:
        Stream(writer, "utf-8").write(text)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        assert pipe.read() == text
    os.wait()


def test_a_message_keeps_both_ends_of_a_long_line() -> None:
    """The start says what is wrong, and the end what is possible."""
    message = f"unknown axis '{'z' * 100_000}' (possible: model)\nthe second line"
    first, second = clipped(message).split("\n")
    assert first.startswith("unknown axis 'zzz")
    assert first.endswith("zzz' (possible: model)")
    assert len(first) <= LIMIT
    assert second == "the second line"


def test_a_message_of_usual_length_is_unchanged() -> None:
    assert clipped("x" * LIMIT) == "x" * LIMIT
