"""Digests of file contents. A file that can be listed but not read counts by its attributes."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

# A larger file (a checkpoint, say) counts by its size and modification time.
_MOST_BYTES = 64 * 2**20


def of_path(path: Path) -> bytes:
    """The content at the path. A link's content is its target's path: links are not followed."""
    try:
        found = path.lstat()
    except OSError:  # gone since it was listed
        return b"nothing"
    if stat.S_ISLNK(found.st_mode):
        return b"link " + os.fsencode(path.readlink())
    kind = f"{stat.S_IFMT(found.st_mode):o}"
    if not stat.S_ISREG(found.st_mode):  # opening a pipe would wait, and a socket fail
        return kind.encode()
    outside = f"{kind} {found.st_size} {found.st_mtime_ns}".encode()
    if found.st_size > _MOST_BYTES:
        return outside
    try:
        with path.open("rb") as file:
            return b"file " + hashlib.file_digest(file, "sha256").digest()
    except OSError:  # not readable by this user
        return outside


def digest(root: Path, names: Iterable[str], content: Callable[[Path], bytes] = of_path) -> str:
    """A digest of these names below the root and of their contents, in 12 hexadecimal digits."""
    hashed = hashlib.sha256()
    for name in sorted({*names}):
        hashed.update(os.fsencode(name) + b"\0" + content(root / name) + b"\0")
    return hashed.hexdigest()[:12]
