"""Which code cells run, beside the subject's: told by its commit, else by what its files hold."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, entry_points
from importlib.util import find_spec
from pathlib import Path

import harness
from harness.execute import contents
from harness.execute.commit import commit_of_code
from harness.registry import ROOMS

HARNESS = Path(harness.__file__).resolve().parent

# What a lone module may import that belongs to it.
_MODULES = ":(glob)*.py"


def of_harness() -> str:
    """This package's."""
    return _of_folder(HARNESS)


def of_outside_packages() -> Mapping[str, str]:
    """By name, the version and code of each installed package that adds entries."""
    found: dict[str, tuple[Distribution, set[str]]] = {}
    for point in (point for room in ROOMS for point in entry_points(group=f"harness.{room}")):
        if point.dist is not None:
            _, modules = found.setdefault(point.dist.name, (point.dist, set()))
            modules.add(point.module.partition(".")[0])
    return {
        name: f"{package.version} ({_of_package(package, modules)})"
        for name, (package, modules) in found.items()
    }


def _of_package(package: Distribution, modules: set[str]) -> str:
    """Of its installed files; where it is installed to be edited, of the modules with entries."""
    if _is_edited(package):
        return ", ".join(code for module in sorted(modules) for code in _of_module(module))
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
