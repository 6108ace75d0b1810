"""Standard output and standard error, as every command writes them.

Exception texts, file names and tensor names come from strangers. Here, and nowhere else, they
are made harmless to the terminal, encodable, and short enough for a message.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, cast

import click

from harness.errors import HarnessError

if TYPE_CHECKING:
    from typing import TextIO

_INPUT, _OUTPUT, _ERROR = range(3)
# What a line of an error message may hold: a list of possible names fits.
LIMIT = 1000
_START, _END = 600, 300  # what is kept of a longer line


class OutputError(HarnessError):
    """Standard output cannot be written."""


class ReaderGone(Exception):
    """The reader of standard output, `head` say, wants no more."""


class Stream(io.TextIOBase):
    """A text stream over a file descriptor, unbuffered, that prints nothing unprintable.

    `required`: raise OutputError when the text cannot be written. Otherwise the text is dropped:
    progress is a nicety, and no run ends because nobody can read it. `draws`: let control
    sequences through, for a progress bar that moves the cursor.
    """

    encoding = ""  # what the reader expects
    errors = "backslashreplace"  # a character that the encoding lacks is spelled out

    def __init__(
        self, descriptor: int, encoding: str, *, required: bool = False, draws: bool = False
    ) -> None:
        self._descriptor, self.encoding = descriptor, encoding
        self._required, self._draws = required, draws

    def fileno(self) -> int:
        """The descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether a person watches."""
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Write all of it at once."""
        shown = text if self._draws else printable(text)
        left = memoryview(shown.encode(self.encoding, self.errors))
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError as error:
            if self._required:
                raise _lost(error) from error
        return len(text)


def _lost(error: OSError) -> Exception:
    if error.errno == errno.EPIPE:
        return ReaderGone()
    return OutputError(f"cannot write to standard output: {error.strerror}")


def install() -> None:
    """Send all that this process prints through a Stream."""
    _occupy_closed()
    encodings = [getattr(one, "encoding", "utf-8") for one in (sys.stdout, sys.stderr)]
    sys.stdout = cast("TextIO", Stream(_OUTPUT, encodings[0], required=True))
    sys.stderr = cast("TextIO", Stream(_ERROR, encodings[1]))


def _occupy_closed() -> None:
    """Open the standard descriptors that are closed.

    Else the next file opened, a database even, becomes the standard error of every child.
    """
    for descriptor in (_INPUT, _OUTPUT, _ERROR):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest free descriptor is this one. Reading only: writing to what was closed
            # stays an error.
            os.open(os.devnull, os.O_RDONLY)


def drawing() -> TextIO:
    """Standard error for a progress bar; texts from elsewhere go into it `printable`."""
    return cast("TextIO", Stream(_ERROR, sys.stderr.encoding, draws=True))


def printable(text: str) -> str:
    r"""The text with every character spelled out that commands a terminal, or hides there.

    Those are controls but newline and tab, format controls (bidirectional ones among them) and
    lone surrogates: `\x1b` for an escape.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in "\n\t" else repr(one)[1:-1] for one in text)


def say(line: str) -> None:
    """Print to standard error."""
    click.echo(line, err=True, color=True)


def refuse(message: str) -> None:
    """Print an error, without repeating huge values whole."""
    say(clipped(f"error: {message}"))


def clipped(message: str) -> str:
    """The message, the middle left out of lines that are far too long for a terminal."""
    return "\n".join(_shortened(line) for line in message.split("\n"))


def _shortened(line: str) -> str:
    if len(line) <= LIMIT:
        return line
    left_out = len(line) - _START - _END
    return f"{line[:_START]}... ({left_out:,} more characters) ...{line[-_END:]}"
