"""The versions of software that affects speed, read without importing it."""

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
    """The interpreter's environment, in which this machine's ceilings hold.

    Leaves out packages that are not installed. Cells run in their `cells_environment`.
    """
    of_launchers = [entry.package for entry in launchers.registry.entries() if entry.package]
    packages = [*_PACKAGES, *of_launchers]
    versions = {name: installed for name in packages if (installed := _version(name))}
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
    """The environment in which cells run, with the code of outside packages that add entries.

    Includes the harness's own code, unless its commit identifies the code, and the code of the
    modules with model factories and of outside packages, unless they lie in `repo`, whose commit
    identifies them.
    """
    software = dict(this_environment().versions)
    if not harness_commit.sha:
        software["harness"] = f"{__version__} ({code.harness_code()})"
    of_factories = code.module_code(factories, repo)
    return Environment({**software, **code.outside_package_code(repo), **of_factories})


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
