"""Looks up files by the names that users give. The system's errors become one sentence."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import HarnessError, clipped


class FileError(HarnessError):
    """A file cannot be found or read; the message is only the reason."""


@contextmanager
def looking_up() -> Iterator[None]:
    """Turn the errors of bad file names and unreadable files into FileError."""
    try:
        yield
    except OSError as error:
        raise FileError((error.strerror or str(error)).lower()) from error
    except ValueError:  # a NUL, or half a surrogate pair
        raise FileError("it contains a character that no file name can contain") from None
    except RuntimeError:  # by pathlib before Python 3.13
        raise FileError("too many levels of symbolic links") from None


def located(given: str, folder: Path) -> Path:
    """The path of a file that a spec in this folder names; FileError if it is no possible path.

    The file's folder is resolved, but not the file itself: if the file is a symbolic link, its
    `config.json` is beside the link.
    """
    with looking_up():
        path = folder / given
        return path.parent.resolve() / path.name


def digest(file: Path) -> str:
    """The first 16 hexadecimal digits of the file's SHA-256; FileError if it cannot be read."""
    with looking_up(), file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]


def quoted(path: Path | str) -> str:
    """A path for a message, clipped only if it is very long."""
    return clipped(str(path), 200)
