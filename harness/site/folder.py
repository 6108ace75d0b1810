"""The site's folder: only files that an earlier build wrote are ever replaced or deleted.

A new site is staged inside the folder and replaces the old one when it is complete.
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
_PART = ".harness-site.{}.part"  # the staging folder of the process with this pid


@dataclass(frozen=True)
class SiteFolder:
    """A folder and the files that earlier builds wrote into it, as relative POSIX paths."""

    path: Path
    owned: frozenset[str]

    @classmethod
    def claim(cls, path: Path, wanted: Iterable[str]) -> SiteFolder:
        """Prepare the folder for a site with these files.

        Raises UsageError if the path is not a folder, if it holds files but no earlier site, if a
        wanted file exists that no build wrote, or if the system refuses access.
        """
        with _explained(path):
            _sweep(path)
            owned = _owned(path)
            for name in sorted(frozenset(wanted) - owned):
                if (path / name).exists():
                    raise UsageError(
                        f"{path / name} was not built by harness: move it, or choose another folder"
                    )
            folder = cls(path, owned)
            folder.staging.mkdir(parents=True)
            return folder

    @property
    def staging(self) -> Path:
        """The folder where this process stages the new files."""
        return self.path / _PART.format(os.getpid())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.staging, ignore_errors=True)

    def write(self, name: str, text: str) -> None:
        """Stage a file of the new site."""
        staged = self.staging / name
        with _explained(self.path):
            staged.parent.mkdir(parents=True, exist_ok=True)
            staged.write_text(text, encoding="utf-8", newline="\n")

    def keep_only(self, names: Iterable[str]) -> None:
        """Put these staged files in place, and delete all other files of earlier builds.

        Everything that needs disk space happens before the first old file is replaced. The
        folder's list names every file that may exist at any moment, so that an interrupted build
        does not block the next one.
        """
        kept = sorted(frozenset(names))
        with _explained(self.path):
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
        """Stage a list of the folder's files; return its path."""
        name = f"{MANIFEST}.{when}"
        text = json.dumps({"made_by": "harness", "files": sorted(names)}, indent=1)
        self.write(name, text + "\n")
        return self.staging / name

    def _delete(self, name: str) -> None:
        """Delete a page, and its folder if that is then empty."""
        stale = self.path / name
        stale.unlink(missing_ok=True)
        folder = stale.parent
        if folder != self.path and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"the site cannot be written to {path}: {error.strerror}") from error


def _sweep(path: Path) -> None:
    """Remove the staging folders of builds that were killed."""
    for part in path.glob(_PART.format("*")):
        pid = part.name.split(".")[2]
        if pid.isdecimal() and (int(pid) == os.getpid() or not psutil.pid_exists(int(pid))):
            shutil.rmtree(part)


def _owned(path: Path) -> frozenset[str]:
    """The files that an earlier build wrote; UsageError if the folder is not a site's."""
    if not path.exists():
        return frozenset()
    if not path.is_dir():
        raise UsageError(f"{path} is not a folder: the site needs one")
    manifest = path / MANIFEST
    if manifest.exists():
        return _listed(manifest)
    if any(not one.match(_PART.format("*")) for one in path.iterdir()):
        raise UsageError(f"{path} holds files but no earlier site: choose an empty or a new folder")
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
