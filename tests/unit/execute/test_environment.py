"""Which versions are kept with a run."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

from harness.execute import environment

if TYPE_CHECKING:
    import pytest


def test_engines_that_are_installed_are_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """They bear on the speed of what they start; others are left out."""
    installed = {"torch": "2.13.0", "horovod": "0.28.1"}

    def version(package: str) -> str:
        try:
            return installed[package]
        except KeyError:
            raise metadata.PackageNotFoundError(package) from None

    monkeypatch.setattr(environment, "version", version)
    versions = environment.this_environment().versions
    assert versions.items() >= installed.items()
    assert not {"lightning", "pyspark", "numpy"} & set(versions)
