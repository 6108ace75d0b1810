"""Identifies the code that cells run beside the subject: by its commit, else by its files."""

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

# The modules beside a lone module, which it may import.
_MODULES = ":(glob)*.py"


def harness_code() -> str:
    """The identity of this package's code."""
    return _folder_code(HARNESS)


def outside_package_code(excluded: Path | None = None) -> Mapping[str, str]:
    """The version and code of each installed package that adds entries, by the package's name.

    Except those whose modules lie below the folder `excluded`.
    """
    return {
        package.name: f"{package.distribution.version} ({_package_code(package)})"
        for package in outside_packages()
        if excluded is None
        or not any(lies_in(module, excluded.resolve()) for module in package.modules)
    }


def module_code(names: Iterable[str], excluded: Path | None = None) -> Mapping[str, str]:
    """The code of each top-level module, except those below the folder `excluded`."""
    return {
        name: ", ".join(_module_code(name))
        for name in sorted({*names})
        if excluded is None or not lies_in(name, excluded.resolve())
    }


def lies_in(module: str, folder: Path) -> bool:
    """True if the top-level module is found below the folder, which is resolved."""
    spec = find_spec(module)
    places = [] if spec is None else [spec.origin, *(spec.submodule_search_locations or ())]
    return any(Path(place).resolve().is_relative_to(folder) for place in places if place)


def _package_code(package: OutsidePackage) -> str:
    """Covers all installed files or, for an editable install, the modules with entries."""
    distribution = package.distribution
    if _is_editable(distribution):
        return ", ".join(
            code for module in sorted(package.modules) for code in _module_code(module)
        )
    files = [str(file) for file in distribution.files or () if file.suffix != ".pyc"]
    own = [name for name in files if ".dist-info/" not in name]
    return contents.digest(Path(str(distribution.locate_file(""))), own)


def _is_editable(distribution: Distribution) -> bool:
    """True if it is installed from the folder where its author edits it (PEP 610)."""
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    return bool(origin.get("dir_info", {}).get("editable"))


def _module_code(name: str) -> Iterator[str]:
    """Covers all files of a package, or a lone module and the modules beside it."""
    spec = find_spec(name)
    if spec is None:  # loading it fails, and reports the reason
        return
    for folder in spec.submodule_search_locations or ():
        yield _folder_code(Path(folder))
    if spec.origin and not spec.submodule_search_locations:
        yield _folder_code(Path(spec.origin).parent, _MODULES)


def _folder_code(folder: Path, pathspec: str = ".") -> str:
    commit = commit_of_code(folder, pathspec)
    if commit.sha:
        return commit.sha[:10] + (f"+{commit.dirty}" if commit.dirty else "")
    files = folder.rglob("*") if pathspec == "." else folder.glob("*.py")
    names = [str(file.relative_to(folder)) for file in files if file.is_file()]
    return contents.digest(folder, [name for name in names if "__pycache__" not in name])
