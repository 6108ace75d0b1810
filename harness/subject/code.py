"""Which code cells run, beside the subject's: told by its commit, else by what its files hold."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution
from importlib.util import find_spec
from pathlib import Path

import harness
from harness.registry import OutsidePackage, outside_packages
from harness.subject import contents
from harness.subject.commit import commit_of_code

HARNESS = Path(harness.__file__).resolve().parent

# What a lone module may import that belongs to it.
_MODULES = ":(glob)*.py"


def of_harness() -> str:
    """This package's."""
    return _of_folder(HARNESS)


def of_outside_packages() -> Mapping[str, str]:
    """By name, the version and code of each installed package that adds entries."""
    return {
        one.name: f"{one.distribution.version} ({_of_package(one)})" for one in outside_packages()
    }


def of_modules(names: Iterable[str], apart: Path | None = None) -> Mapping[str, str]:
    """By top-level module, its code; modules below the folder `apart` are left out."""
    return {
        name: ", ".join(_of_module(name))
        for name in sorted({*names})
        if apart is None or not _lies_in(name, apart.resolve())
    }


def _lies_in(module: str, folder: Path) -> bool:
    spec = find_spec(module)
    places = [] if spec is None else [spec.origin, *(spec.submodule_search_locations or ())]
    return any(Path(place).resolve().is_relative_to(folder) for place in places if place)


def _of_package(one: OutsidePackage) -> str:
    """Of its installed files; where it is installed to be edited, of the modules with entries."""
    package = one.distribution
    if _is_edited(package):
        return ", ".join(code for module in sorted(one.modules) for code in _of_module(module))
    files = [str(file) for file in package.files or () if file.suffix != ".pyc"]
    ours = [name for name in files if ".dist-info/" not in name]
    return contents.digest(Path(str(package.locate_file(""))), ours)


def _is_edited(package: Distribution) -> bool:
    """Whether its code is where its author edits it, and no copy of that (PEP 610)."""
    origin = json.loads(package.read_text("direct_url.json") or "{}")
    return bool(origin.get("dir_info", {}).get("editable"))


def _of_module(name: str) -> Iterator[str]:
    """Of a package, all its files; of a lone module, the modules beside it."""
    spec = find_spec(name)
    if spec is None:  # it fails to load, and is told by whoever loads it
        return
    for folder in spec.submodule_search_locations or ():
        yield _of_folder(Path(folder))
    if spec.origin and not spec.submodule_search_locations:
        yield _of_folder(Path(spec.origin).parent, _MODULES)


def _of_folder(folder: Path, which: str = ".") -> str:
    commit = commit_of_code(folder, which)
    if commit.sha:
        return commit.sha[:10] + (f"+{commit.dirty}" if commit.dirty else "")
    files = folder.rglob("*") if which == "." else folder.glob("*.py")
    names = [str(one.relative_to(folder)) for one in files if one.is_file()]
    return contents.digest(folder, [one for one in names if "__pycache__" not in one])
