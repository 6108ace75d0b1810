"""Fake results for the tests of the site."""

from __future__ import annotations

from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def sample(site_samples: ModuleType) -> ModuleType:
    """The module that makes fake results (sample_results.py, beside this file)."""
    return site_samples
