"""The dispatcher of this machine, without its processes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from harness.dispatch import local
from harness.dispatch.local import LocalDispatcher
from harness.domain.run import Commit, Environment
from harness.subject.builds import Build

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class NoServer:
    """In place of a fork server."""

    def __init__(self, *_: object) -> None:
        pass

    def close(self) -> None:
        """There is nothing to end."""


def test_a_build_that_serves_rounds_is_in_use(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Environments used least recently are deleted."""
    monkeypatch.setattr(local, "ForkServer", NoServer)
    python = tmp_path / "environment" / "bin" / "python"
    python.parent.mkdir(parents=True)
    build = Build(Commit("a" * 40), Environment({}), python)
    os.utime(build.root.parent, (0, 0))
    with LocalDispatcher(lambda job: job, builds={"a" * 40: build}):
        assert build.root.parent.stat().st_mtime > 0
