"""Files by the names that users give them: what the system refuses becomes one sentence."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import HarnessError, clipped


class FileError(HarnessError):
    """A file cannot be looked up or read; the message is the reason alone."""


@contextmanager
def looking_up() -> Iterator[None]:
    """FileError for every name that the system does not take, and every file it does not give."""
    try:
        yield
    except OSError as error:
        raise FileError((error.strerror or str(error)).lower()) from error
    except ValueError:  # a NUL, or half a surrogate pair
        raise FileError("it holds a character that no file name can") from None
    except RuntimeError:  # by pathlib before Python 3.13
        raise FileError("too many levels of symbolic links") from None


def located(given: str, folder: Path) -> Path:
    """The path that stands for `given` in a spec in that folder; FileError if none can.

    Its folder is resolved, but not the file itself: what lies beside a symbolic link belongs to
    the link.
    """
    with looking_up():
        path = folder / given
        return path.parent.resolve() / path.name


def digest(file: Path) -> str:
    """The first 16 hexadecimal digits of its SHA-256; FileError if it cannot be read."""
    with looking_up(), file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]


def quoted(path: Path | str) -> str:
    """A path within a message: whole, if it is one that people write."""
    return clipped(str(path), 200)
