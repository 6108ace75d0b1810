"""Standard output and standard error, as every command writes them.

Exception texts, file names and tensor names come from untrusted sources. Only this module makes
them harmless to the terminal, encodable, and short enough for a message.
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
# Characters in a line of an error message: enough for a list of possible names.
LIMIT = 1000
_START, _END = 600, 300  # characters kept of a longer line


class OutputError(HarnessError):
    """Standard output cannot be written."""


class ReaderGone(Exception):
    """The reader of standard output, such as `head`, has closed the pipe."""


class Stream(io.TextIOBase):
    """An unbuffered text stream over a file descriptor that escapes unprintable characters.

    If `required`, text that cannot be written raises OutputError. Otherwise it is dropped: no run
    ends because nobody can read its progress. If `draws`, control sequences pass through, for a
    progress bar that moves the cursor.
    """

    encoding = ""  # the encoding that the reader expects
    errors = "backslashreplace"  # characters that the encoding lacks are escaped

    def __init__(
        self, descriptor: int, encoding: str, *, required: bool = False, draws: bool = False
    ) -> None:
        self._descriptor, self.encoding = descriptor, encoding
        self._required, self._draws = required, draws

    def fileno(self) -> int:
        """The file descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """True if the descriptor is a terminal."""
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        """Always true."""
        return True

    def write(self, text: str) -> int:
        """Write the whole text at once."""
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
    """Send everything that this process prints through a Stream."""
    _occupy_closed()
    encodings = [getattr(one, "encoding", "utf-8") for one in (sys.stdout, sys.stderr)]
    sys.stdout = cast("TextIO", Stream(_OUTPUT, encodings[0], required=True))
    sys.stderr = cast("TextIO", Stream(_ERROR, encodings[1]))


def _occupy_closed() -> None:
    """Open the standard descriptors that are closed.

    Otherwise the next opened file, such as the database, would become every child's standard
    error.
    """
    for descriptor in (_INPUT, _OUTPUT, _ERROR):
        try:
            os.fstat(descriptor)
        except OSError:
            # This is the lowest free descriptor. It opens for reading only, so that writing to
            # a closed stream stays an error.
            os.open(os.devnull, os.O_RDONLY)


def drawing() -> TextIO:
    """Standard error for a progress bar; pass texts from elsewhere through `printable` first."""
    return cast("TextIO", Stream(_ERROR, sys.stderr.encoding, draws=True))


def printable(text: str) -> str:
    r"""The text with characters escaped that control a terminal or are invisible there.

    Those are control characters except newline and tab, format characters (including those that
    reverse the direction of text) and lone surrogates: `\x1b` for an escape.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in "\n\t" else repr(one)[1:-1] for one in text)


def say(line: str) -> None:
    """Print to standard error."""
    click.echo(line, err=True, color=True)


def refuse(message: str) -> None:
    """Print an error message, with very long lines shortened."""
    say(clipped(f"error: {message}"))


def clipped(message: str) -> str:
    """The message; lines that are far too long for a terminal lose their middle."""
    return "\n".join(_shortened(line) for line in message.split("\n"))


def _shortened(line: str) -> str:
    if len(line) <= LIMIT:
        return line
    left_out = len(line) - _START - _END
    return f"{line[:_START]}... ({left_out:,} more characters) ...{line[-_END:]}"
