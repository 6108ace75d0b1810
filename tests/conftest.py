"""What functional and end-to-end tests share: a folder to work in and the command line."""

import fcntl
import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.forked import call, context

# Tests run beside each other, on few cores. Threads that spin while they wait for one another
# would make everything ten times slower. Read when torch is loaded, here and in what tests start.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


Harness = Callable[..., Answer]


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """A job started in the background ignores Ctrl-C, and so would all that the tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


# A user's database; and what has each command compile all modules anew, which takes a second.
_NOT_PASSED_ON = {"HARNESS_DB", "PYTHONDONTWRITEBYTECODE"}


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """The environment commands run in; a test may add to it."""
    plain = {key: value for key, value in os.environ.items() if key not in _NOT_PASSED_ON}
    return {**plain, "HARNESS_CACHE": str(tmp_path / "cache")}


@pytest.fixture
def harness(tmp_path: Path, env: Mapping[str, str]) -> Harness:
    """Run `harness` with these arguments in a folder of the test's own."""

    def call(*arguments: str, timeout: float = 290) -> Answer:
        return started(arguments, tmp_path, env, timeout)

    return call


@pytest.fixture(scope="session")
def forks() -> ForkServerContext:
    """What commands are forked from."""
    return context()


@pytest.fixture
def forked_harness(
    forks: ForkServerContext,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    env: Mapping[str, str],
) -> Harness:
    """The same as `harness`, without the time that Python takes to import it."""
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


def started(
    arguments: Sequence[str], folder: Path, env: Mapping[str, str], timeout: float
) -> Answer:
    """What `harness` with these arguments leaves behind, started in the folder."""
    done = subprocess.run(
        [sys.executable, "-m", "harness", *arguments],
        cwd=folder,
        env=dict(env),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def site_samples() -> ModuleType:
    """The makers of made-up results of the unit tests of the site."""
    name = "site_sample_results"
    if name not in sys.modules:
        path = Path(__file__).parent / "unit" / "site" / "sample_results.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def outside_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed an outside package with operators of its own."""
    return _installed("outside", tmp_path_factory)


@pytest.fixture(scope="session")
def hostile_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed a package that does what none may do."""
    return _installed("hostile", tmp_path_factory)


def _installed(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Installed by the first of pytest's workers that asks for it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # which all workers of this run share
    target, partial = folder / name, folder / f"{name}.partial"
    source = Path(__file__).parent / "plugins" / name
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    install = [sys.executable, "-m", "pip", "install", *options, "--target", str(partial)]
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            subprocess.run([*install, str(source)], check=True)
            partial.rename(target)
    return target
