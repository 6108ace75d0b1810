"""The folder a site lives in: only files that a site made are ever replaced or deleted.

A new site is gathered beside the old one, and replaces it when it is whole.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Self

import psutil

from harness.errors import UsageError

MANIFEST = ".harness-site.json"
_PART = ".harness-site.{}.part"  # of which process


@dataclass(frozen=True)
class SiteFolder:
    """A folder and the files that earlier builds made in it, as relative POSIX paths."""

    path: Path
    owned: frozenset[str]

    @classmethod
    def claim(cls, path: Path, wanted: Iterable[str]) -> SiteFolder:
        """Prepare the folder for a site of these files.

        UsageError where it is not a folder, where it holds files but no earlier site, where a
        wanted file exists that no site made, or where the system refuses it.
        """
        with _told(path):
            _sweep(path)
            owned = _owned(path)
            for name in sorted(frozenset(wanted) - owned):
                if (path / name).exists():
                    raise UsageError(
                        f"{path / name} is not the site's: move it, or choose another folder"
                    )
            folder = cls(path, owned)
            folder.staging.mkdir(parents=True)
            return folder

    @property
    def staging(self) -> Path:
        """Where this process gathers the new files."""
        return self.path / _PART.format(os.getpid())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.staging, ignore_errors=True)

    def write(self, name: str, text: str) -> None:
        """Write a file of the new site, which nobody sees yet."""
        staged = self.staging / name
        with _told(self.path):
            staged.parent.mkdir(parents=True, exist_ok=True)
            staged.write_text(text, encoding="utf-8", newline="\n")

    def keep_only(self, names: Iterable[str]) -> None:
        """Put these files in place, and delete what earlier builds made beside them.

        All that takes room is done before the first old file is replaced. The folder's list names
        every file that is there at any instant, so that a build cut short does not block the next.
        """
        kept = sorted(frozenset(names))
        with _told(self.path):
            lists = [self._list(self.owned.union(kept), "first"), self._list(kept, "last")]
            for name in kept:
                (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            lists[0].replace(self.path / MANIFEST)
            for name in kept:
                (self.staging / name).replace(self.path / name)
            for name in sorted(self.owned.difference(kept)):
                self._delete(name)
            lists[1].replace(self.path / MANIFEST)
            shutil.rmtree(self.staging)

    def _list(self, names: Iterable[str], when: str) -> Path:
        """A list of the folder's files, still to be put in place."""
        name = f"{MANIFEST}.{when}"
        text = json.dumps({"made_by": "harness", "files": sorted(names)}, indent=1)
        self.write(name, text + "\n")
        return self.staging / name

    def _delete(self, name: str) -> None:
        """Delete a page, and its folder if that is empty then."""
        stale = self.path / name
        stale.unlink(missing_ok=True)
        folder = stale.parent
        if folder != self.path and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"the site cannot be written to {path}: {error.strerror}") from error


def _sweep(path: Path) -> None:
    """Take away what killed builds left."""
    for part in path.glob(_PART.format("*")):
        pid = part.name.split(".")[2]
        if pid.isdecimal() and (int(pid) == os.getpid() or not psutil.pid_exists(int(pid))):
            shutil.rmtree(part)


def _owned(path: Path) -> frozenset[str]:
    """The files that an earlier site made there; UsageError where the folder is another's."""
    if not path.exists():
        return frozenset()
    if not path.is_dir():
        raise UsageError(f"{path} is not a folder: the site needs one")
    manifest = path / MANIFEST
    if manifest.exists():
        return _listed(manifest)
    if any(not one.match(_PART.format("*")) for one in path.iterdir()):
        raise UsageError(
            f"{path} holds files but no earlier site: choose an empty or a new folder for it"
        )
    return frozenset()


def _listed(manifest: Path) -> frozenset[str]:
    try:
        names = json.loads(manifest.read_text(encoding="utf-8"))["files"]
        inside = all(_is_inside(PurePosixPath(name)) for name in names)
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{manifest} is damaged: delete the folder and build again") from error
    if not inside:
        raise UsageError(f"{manifest} names files outside its folder: delete it and build again")
    return frozenset(names)


def _is_inside(name: PurePosixPath) -> bool:
    return not name.is_absolute() and ".." not in name.parts and name.name != ""
