"""Versions of the software that bears on speed, read without importing it."""

from __future__ import annotations

import platform
from collections.abc import Collection
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness import __version__, launchers
from harness.domain.run import Commit, Environment
from harness.subject import code

_PACKAGES = ("torch", "numpy", "triton")


def this_environment() -> Environment:
    """Of this interpreter; packages that are not installed are left out.

    It is what this machine's ceilings hold in; cells' own is `cells_environment`.
    """
    of_launchers = [one.package for one in launchers.registry.entries() if one.package]
    packages = [*_PACKAGES, *of_launchers]
    versions = {name: found for name in packages if (found := _version(name))}
    return Environment(
        {
            "python": platform.python_version(),
            "kernel": platform.release(),
            "harness": __version__,
            **versions,
        }
    )


def cells_environment(
    harness_commit: Commit, factories: Collection[str] = (), repo: Path | None = None
) -> Environment:
    """That in which cells run: with the code of outside packages that add entries.

    The harness's own code is part of it too, unless the commit says which that is. So is the code
    of the modules with model factories, except those in `repo`, whose commit says it.
    """
    software = dict(this_environment().versions)
    if not harness_commit.sha:
        software["harness"] = f"{__version__} ({code.of_harness()})"
    of_factories = code.of_modules(factories, repo)
    return Environment({**software, **code.of_outside_packages(), **of_factories})


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
