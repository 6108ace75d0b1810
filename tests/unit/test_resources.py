from __future__ import annotations

from pathlib import Path

import pytest

from harness import resources
from harness.errors import HarnessError


def test_a_checkout_has_its_templates_and_specs() -> None:
    assert (resources.templates() / "base.html").is_file()
    assert list(resources.specs().glob("*.yaml"))


def test_an_installed_package_uses_its_own_copy_before_a_neighbours(tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "harness"
    own = package / "_shipped" / "templates"
    own.mkdir(parents=True)
    (package.parent / "templates").mkdir()
    assert resources.shipped("templates", package) == own


def test_a_missing_folder_is_told_with_where_it_was_sought(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="lacks its 'specs' folder"):
        resources.shipped("specs", tmp_path / "harness")
