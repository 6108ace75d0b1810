"""What files hold, as a digest. What can be listed but not read counts by its name."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

# A larger file, a checkpoint say, counts by its size and when it was changed.
_MOST_BYTES = 64 * 2**20


def of_path(path: Path) -> bytes:
    """What lies there; a link is where it points to, and is never followed."""
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
    except OSError:  # not ours to read
        return outside


def digest(root: Path, names: Iterable[str], content: Callable[[Path], bytes] = of_path) -> str:
    """12 hexadecimal digits of the names below the root, and of what lies there."""
    together = hashlib.sha256()
    for name in sorted({*names}):
        together.update(os.fsencode(name) + b"\0" + content(root / name) + b"\0")
    return together.hexdigest()[:12]
