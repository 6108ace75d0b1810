"""The folder a site lives in: only files that a site made are ever replaced or deleted."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.errors import UsageError

MANIFEST = ".harness-site.json"


@dataclass(frozen=True)
class SiteFolder:
    """A folder and the files that earlier builds made in it, as relative POSIX paths."""

    path: Path
    owned: frozenset[str]

    @classmethod
    def claim(cls, path: Path, wanted: Iterable[str]) -> SiteFolder:
        """Prepare the folder for a site of these files.

        UsageError where it is not a folder, where it holds files but no earlier site, or where
        a wanted file exists that no site made. What is wanted is noted down before anything is
        written, so that a build cut short leaves nothing that the next one would not know.
        """
        owned = _owned(path)
        planned = frozenset(wanted)
        for name in sorted(planned - owned):
            if (path / name).exists():
                raise UsageError(
                    f"{path / name} is not the site's: move it, or choose another folder"
                )
        path.mkdir(parents=True, exist_ok=True)
        folder = cls(path, owned | planned)
        folder._note(folder.owned)
        return folder

    def write(self, name: str, text: str) -> None:
        """Put a file in place whole: a reader sees the old one or the new one."""
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, text)

    def keep_only(self, names: Iterable[str]) -> None:
        """Delete what earlier builds made and this one did not."""
        kept = frozenset(names)
        for name in sorted(self.owned - kept):
            stale = self.path / name
            stale.unlink(missing_ok=True)
            if (
                stale.parent != self.path
                and stale.parent.is_dir()
                and not any(stale.parent.iterdir())
            ):
                stale.parent.rmdir()
        self._note(kept)

    def _note(self, names: frozenset[str]) -> None:
        text = json.dumps({"made_by": "harness", "files": sorted(names)}, indent=1)
        _replace(self.path / MANIFEST, text + "\n")


def _owned(path: Path) -> frozenset[str]:
    """The files that an earlier site made there; UsageError where the folder is another's."""
    if not path.exists():
        return frozenset()
    if not path.is_dir():
        raise UsageError(f"{path} is not a folder: the site needs one")
    manifest = path / MANIFEST
    if manifest.exists():
        return _listed(manifest)
    if any(path.iterdir()):
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


def _replace(target: Path, text: str) -> None:
    # The process's id keeps two builds of one folder out of each other's way.
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(target)
