"""Where results are kept, as the user names it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_URL = re.compile(r"(?P<dialect>[a-z][a-z0-9_]*)(\+[a-z0-9_]+)?://", re.IGNORECASE)


@dataclass(frozen=True)
class Location:
    """A database: a file's path, or an SQLAlchemy URL, `dialect://` or `dialect+driver://`.

    Any text that is not such a URL is a literal path: `a?b.sqlite` and `file:a.sqlite` are files.
    """

    text: str

    @classmethod
    def file(cls, path: Path) -> Self:
        """The file at that path. A Path never has two slashes in a row, so it is never a URL."""
        return cls(str(path))

    def __str__(self) -> str:
        return self.text

    @property
    def is_url(self) -> bool:
        """True if SQLAlchemy's URL rules apply to the text."""
        return _URL.match(self.text) is not None

    @property
    def dialect(self) -> str:
        """SQLAlchemy's name for the kind of database. A path means SQLite."""
        found = _URL.match(self.text)
        return found["dialect"].lower() if found else "sqlite"
