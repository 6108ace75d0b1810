"""Versions of the software that bears on speed, read without importing it."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from harness import __version__, engines
from harness.domain.run import Environment

_PACKAGES = ("torch", "numpy", "triton")


def this_environment() -> Environment:
    """Of this interpreter; packages that are not installed are left out."""
    of_engines = [engine.package for engine in engines.registry.entries() if engine.package]
    packages = [*_PACKAGES, *of_engines]
    versions = {name: found for name in packages if (found := _version(name))}
    return Environment(
        {
            "python": platform.python_version(),
            "kernel": platform.release(),
            "harness": __version__,
            **versions,
        }
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
