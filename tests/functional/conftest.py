"""Fork commands from a process that has already imported the harness, to save startup time.

End-to-end tests start their commands as users do.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import count
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from tests.conftest import Answer, Harness, started
from tests.functional.forked import call, context
from tests.functional.stage import Stage, night


@pytest.fixture(scope="session")
def forks() -> ForkServerContext:
    """What commands are forked from."""
    return context()


@pytest.fixture
def harness(
    forks: ForkServerContext,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    env: Mapping[str, str],
) -> Harness:
    """Run `harness` with these arguments in a folder of the test's own."""
    printed, numbers = tmp_path_factory.mktemp("printed"), count()

    def run(*arguments: str, timeout: float = 290) -> Answer:
        if env.get("PYTHONPATH") != os.environ.get("PYTHONPATH"):  # with packages of its own
            return started(arguments, tmp_path, env, timeout)
        number = next(numbers)
        streams = (printed / f"{number}.out", printed / f"{number}.err")
        code = call(forks, arguments, tmp_path, env, streams, timeout)
        out, err = (one.read_text(encoding="utf-8") for one in streams)
        return Answer(code, out, err)

    return run


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A stage on which a night finds nothing."""
    made = Stage(tmp_path)
    made.answer(nightly={"row": "first", "json": night(), "report": "# All quiet\n"})
    return made
